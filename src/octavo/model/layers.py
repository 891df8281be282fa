"""Linear, embedding and norm layers: those of torch.nn with the same parameters, faster or more exact on a CPU.

N rows, I inputs, O outputs, V vocabulary, D d_model.
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

_MIN_ROWS = 64  # for fewer rows, calling oneDNN or concatenating matrices costs more than it saves
_HAS_ONEDNN = platform.machine().lower() in ("x86_64", "amd64") and torch._C._has_mkldnn


class Linear(nn.Linear):
    """``torch.nn.Linear`` with the same parameters, and the same result up to rounding.

    PyTorch computes fp32 matmuls with MKL, which uses only half of the vector units of AMD CPUs. oneDNN, which every
    build of PyTorch for x86 includes, is 2.2 to 2.4 times as fast there (docs/lab-notes.md).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, I) -> (…, O)."""
        return linear(x, self.weight, self.bias)


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return x (…, I) times the transpose of weight (O, I), plus bias (O): (…, O)."""
    if not uses_onednn(x):
        return F.linear(x, weight, bias)
    rows = _onednn_linear(x.reshape(-1, x.shape[-1]), weight, bias)
    return rows.view(*x.shape[:-1], -1)


def fused_linear(x: torch.Tensor, *layers: Linear) -> torch.Tensor:
    """Return the concatenated outputs (…, O + O + …) of several layers for the same x (…, I).

    For many rows, one matmul with the concatenated matrices is faster than several, including the concatenation.
    """
    if x.numel() < _MIN_ROWS * x.shape[-1]:
        return torch.cat([layer(x) for layer in layers], dim=-1)
    weight = torch.cat([layer.weight for layer in layers])
    bias = None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])
    return linear(x, weight, bias)


def uses_onednn(x: torch.Tensor) -> bool:
    """Return whether oneDNN multiplies `x` (…, I): many rows of fp32 on an x86 CPU."""
    many_rows = x.numel() >= _MIN_ROWS * x.shape[-1]
    return many_rows and x.dtype == torch.float32 and x.is_cpu and _HAS_ONEDNN


class _OneDNNLinear(torch.autograd.Function):
    """x (N, I), weight (O, I), bias (O) or None -> (N, O)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn_product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            _onednn_product(gradient, weight.t()) if needs_x else None,
            _weight_gradient(gradient, x) if needs_weight else None,
            gradient.sum(0) if needs_bias else None,
        )


def _weight_gradient(gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return gradientᵀ x, (O, I). oneDNN copies the left factor, so the narrower one is put there."""
    if x.shape[1] < gradient.shape[1]:
        return _onednn_product(x.t(), gradient.t()).t()
    return _onednn_product(gradient.t(), x.t())


_onednn_linear: Callable[..., torch.Tensor] = _OneDNNLinear.apply


def _onednn_product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Return x weightᵀ + bias by the operator that PyTorch's compiler calls for a linear layer."""
    return cast(torch.Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""))


class Embedding(nn.Embedding):
    """``torch.nn.Embedding`` with a gradient that is summed in fp32, also where the model runs in bf16.

    A frequent token occurs hundreds of times in a batch. In bf16, which has two significant digits, the sum of so
    many rows would stop growing long before the last one.
    """

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(…) ids -> (…, D)."""
        if self.weight.dtype == torch.bfloat16:
            return _embedding(self.weight, input_ids)
        return F.embedding(input_ids, self.weight)


class _Embedding(torch.autograd.Function):
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


_embedding: Callable[..., torch.Tensor] = _Embedding.apply


class RMSNorm(nn.Module):
    """Division by the root mean square, then a learned scale (Zhang & Sennrich, 2019).

    It equals ``torch.nn.RMSNorm``, and is twenty times as fast on a CPU in bf16 (docs/lab-notes.md).
    """

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
    """Return the norm over d_model that `config.norm` names: RMS norm, layer norm (Ba et al., 2016) or none."""
    if config.norm == "rms":
        return RMSNorm(config.d_model, config.norm_epsilon)
    if config.norm == "layer":
        return nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=config.bias)
    return nn.Identity()


def make_head_norm(config: ModelConfig) -> nn.Module:
    """Return the norm of queries and keys over d_head (QK-norm, Henry et al., 2020), as in Qwen3, or none."""
    return RMSNorm(config.head_width, config.norm_epsilon) if config.qk_norm else nn.Identity()
