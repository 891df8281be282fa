"""Token embeddings whose gradient is summed in fp32, also where the model runs in bf16. V vocabulary, D d_model."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable


class Embedding(nn.Embedding):
    """``torch.nn.Embedding``; but a frequent token occurs hundreds of times in a batch, and a sum of so many rows in
    bf16, which has two digits, stops growing long before its end."""

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(…) ids -> (…, D)."""
        if self.weight.dtype == torch.bfloat16:
            return _rows_of(self.weight, input_ids)
        return F.embedding(input_ids, self.weight)


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(input_ids)
        ctx.shape = weight.shape
        return F.embedding(input_ids, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (input_ids,), (gradient,) = ctx.saved_tensors, gradients
        total = gradient.new_zeros(ctx.shape, dtype=torch.float32)
        total.index_add_(0, input_ids.flatten(), gradient.reshape(-1, gradient.shape[-1]).float())
        return total.to(gradient.dtype), None


_rows_of: Callable[..., torch.Tensor] = _Rows.apply
