"""Root-mean-square norm in one kernel, forward and backward. N rows, D width."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import FLOAT, INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTH_MULTIPLE = 16  # the kernel takes widths that are multiples of it
_CHUNKS = 64  # of rows, with a gradient of the weight each: the order of the sum then does not depend on threads


class _Arguments(KernelArgs):
    """``norm`` of norm.c."""

    _fields_ = (
        *((name, LONG) for name in ("rows", "width", "chunks")),
        ("is_bf16", INT),
        ("epsilon", FLOAT),
        *((name, POINTER) for name in ("weight", "x", "y", "dy", "dx", "d_weight")),
    )


def supports(x: torch.Tensor) -> bool:
    """Return whether the kernel accepts the rows of `x` (…, D)."""
    return supports_tensor(x) and x.shape[-1] % _WIDTH_MULTIPLE == 0


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Return x (…, D) divided by its root mean square, times weight (D)."""
    return _rms_norm(x, weight, epsilon)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, epsilon: Any) -> torch.Tensor:
        x, weight = x.contiguous(), weight.float().contiguous()
        y = torch.empty_like(x)
        _call(x, weight, epsilon, y=y)
        ctx.save_for_backward(x, weight)
        ctx.epsilon = epsilon
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, weight = ctx.saved_tensors
        dy, dx = gradients[0].contiguous(), torch.empty_like(x)
        d_weight = x.new_zeros(_CHUNKS, x.shape[-1], dtype=torch.float32)
        _call(x, weight, ctx.epsilon, dy=dy, dx=dx, d_weight=d_weight)
        return dx, d_weight.sum(0), None


_rms_norm: Callable[..., torch.Tensor] = _RMSNorm.apply


def _call(x: torch.Tensor, weight: torch.Tensor, epsilon: float, **buffers: torch.Tensor) -> None:
    sizes = {"rows": x.shape[:-1].numel(), "width": x.shape[-1], "chunks": _CHUNKS}
    is_bf16 = x.dtype == torch.bfloat16
    run_kernel("octavo_norm", _Arguments(**sizes, is_bf16=is_bf16, epsilon=epsilon, weight=weight, x=x, **buffers))
