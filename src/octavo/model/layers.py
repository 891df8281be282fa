"""A linear layer whose fp32 products run where they are fastest on a CPU.

PyTorch hands fp32 products to MKL, which leaves half of an AMD processor's vector units idle; oneDNN, which is in
every build of PyTorch for x86, uses them (docs/lab-notes.md: 2.2 to 2.4 times the speed). N rows, I inputs, O
outputs.

Token embeddings whose gradient is summed in fp32, also where the model runs in bf16. V vocabulary, D d_model.

The norms a block can have, each over the last dimension.
"""

import platform
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable

from octavo.config import ModelConfig
from octavo.kernels import norm

_FEWEST_ROWS = 64  # below, calling oneDNN costs more than it saves
_ONEDNN = platform.machine().lower() in ("x86_64", "amd64") and torch._C._has_mkldnn


class Linear(nn.Linear):
    """``torch.nn.Linear``, with the same parameters and the same result up to rounding."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, I) -> (…, O)."""
        return linear(x, self.weight, self.bias)


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """x (…, I) times weight (O, I), turned over, plus bias (O): (…, O)."""
    if not uses_onednn(x):
        return F.linear(x, weight, bias)
    rows = _product_of(x.reshape(-1, x.shape[-1]), weight, bias)
    return rows.view(*x.shape[:-1], -1)


def fused_linear(x: torch.Tensor, *layers: Linear) -> torch.Tensor:
    """What several layers make of the same x (…, I), one after the other: (…, O + O + …).

    One product with the matrices below each other is faster than several, where there are rows enough to pay for
    putting them so.
    """
    if x.numel() < _FEWEST_ROWS * x.shape[-1]:
        return torch.cat([layer(x) for layer in layers], dim=-1)
    weight = torch.cat([layer.weight for layer in layers])
    bias = None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])
    return linear(x, weight, bias)


def uses_onednn(x: torch.Tensor) -> bool:
    """Whether oneDNN multiplies `x` (…, I): many rows of fp32 on an x86 processor."""
    many = x.numel() >= _FEWEST_ROWS * x.shape[-1]
    return many and x.dtype == torch.float32 and x.is_cpu and _ONEDNN


class _OneDNNLinear(torch.autograd.Function):
    """x (N, I), weight (O, I), bias (O) or None -> (N, O)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        to_x, to_weight, to_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if to_x else None,
            _outer(gradient, x) if to_weight else None,
            gradient.sum(0) if to_bias else None,
        )


def _outer(gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """gradientᵀ x, the weight's gradient (O, I): oneDNN copies what stands on the left, so that is the narrower."""
    if x.shape[1] < gradient.shape[1]:
        return _product(x.t(), gradient.t()).t()
    return _product(gradient.t(), x.t())


_product_of: Callable[..., torch.Tensor] = _OneDNNLinear.apply


def _product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """x weightᵀ + bias, by the operator that PyTorch's own compiler calls for a linear layer."""
    return cast(torch.Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""))


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


class RMSNorm(nn.Module):
    """Divide by the root mean square, then scale (Zhang & Sennrich, 2019): torch.nn.RMSNorm, but on a CPU
    in bf16 twenty times as fast, forward and backward (docs/lab-notes.md)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, width)."""
        if norm.supports(x):
            return norm.rms_norm(x, self.weight, self.epsilon)
        mean_square = torch.linalg.vecdot(x, x).unsqueeze(-1) / x.shape[-1]
        return x * torch.rsqrt(mean_square + self.epsilon) * self.weight


def make_norm(config: ModelConfig) -> nn.Module:
    """The norm of `config` over d_model: RMS, layer (Ba et al., 2016) or none."""
    if config.norm == "rms":
        return RMSNorm(config.d_model, config.norm_epsilon)
    if config.norm == "layer":
        return nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=config.bias)
    return nn.Identity()


def make_head_norm(config: ModelConfig) -> nn.Module:
    """The norm of queries and keys over d_head (QK-norm, Henry et al., 2020), as in Qwen3; or none."""
    return RMSNorm(config.head_width, config.norm_epsilon) if config.qk_norm else nn.Identity()
