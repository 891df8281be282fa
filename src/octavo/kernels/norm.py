"""The root-mean-square norm in one kernel, forward and backward. N rows, D width."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import FLOAT, INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTHS = 16  # the width is a multiple of it
_STRETCHES = 64  # of rows, whose gradients of the weight are summed apart: whatever the threads, in the same order


class _Arguments(KernelArgs):
    """``norm`` of norm.c."""

    _fields_ = (
        *((name, LONG) for name in ("rows", "width", "stretches")),
        ("half", INT),
        ("epsilon", FLOAT),
        *((name, POINTER) for name in ("weight", "x", "y", "dy", "dx", "d_weight")),
    )


def supports(x: torch.Tensor) -> bool:
    """Whether the kernel takes rows like these."""
    return supports_tensor(x) and x.shape[-1] % _WIDTHS == 0


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """x (…, D) over its root mean square, times weight (D)."""
    return _normed(x, weight, epsilon)


class _Norm(torch.autograd.Function):
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
        d_weight = x.new_zeros(_STRETCHES, x.shape[-1], dtype=torch.float32)
        _call(x, weight, ctx.epsilon, dy=dy, dx=dx, d_weight=d_weight)
        return dx, d_weight.sum(0), None


_normed: Callable[..., torch.Tensor] = _Norm.apply


def _call(
    x: torch.Tensor,
    weight: torch.Tensor,
    epsilon: float,
    y: torch.Tensor | None = None,
    dy: torch.Tensor | None = None,
    dx: torch.Tensor | None = None,
    d_weight: torch.Tensor | None = None,
) -> None:
    width = x.shape[-1]
    sizes = (x.numel() // width, width, _STRETCHES, x.dtype == torch.bfloat16, epsilon)
    run_kernel("octavo_norm", _Arguments(*sizes, weight, x, y, dy, dx, d_weight))
