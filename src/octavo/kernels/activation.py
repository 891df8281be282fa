"""What a feed-forward layer does between its products, with dropout in the same pass. N rows, F d_ff."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTHS = 16  # d_ff is a multiple of it


class _Arguments(KernelArgs):
    """``activation`` of activation.c."""

    _fields_ = (
        ("rows", LONG),
        ("width", LONG),
        ("half", INT),
        ("gated", INT),
        *((name, POINTER) for name in ("joined", "mask", "hidden", "d_hidden", "d_joined")),
    )


def supports(joined: torch.Tensor, gated: bool) -> bool:
    """Return whether the kernel takes rows like these: (…, 2F) if `gated`, else (…, F)."""
    return supports_tensor(joined) and joined.shape[-1] % (_WIDTHS * (1 + gated)) == 0


def swiglu(joined: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """silu(gate) · up · mask, (…, F), of gate and up side by side (…, 2F)."""
    return _activated(joined, mask, True)


def relu(up: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """max(0, up) · mask, (…, F)."""
    return _activated(up, mask, False)


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, joined: Any, mask: Any, gated: Any) -> torch.Tensor:
        joined = joined.contiguous()
        hidden: torch.Tensor = joined.new_empty(*joined.shape[:-1], joined.shape[-1] // (1 + gated))
        if mask is not None:
            mask = mask.to(joined.dtype).expand(hidden.shape).contiguous()
        _call(joined, mask, gated, hidden=hidden)
        ctx.save_for_backward(joined, mask)
        ctx.gated = gated
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        joined, mask = ctx.saved_tensors
        d_joined = torch.empty_like(joined)
        _call(joined, mask, ctx.gated, d_hidden=gradients[0].contiguous(), d_joined=d_joined)
        return d_joined, None, None


_activated: Callable[..., torch.Tensor] = _Activation.apply


def _call(
    joined: torch.Tensor,
    mask: torch.Tensor | None,
    gated: bool,
    hidden: torch.Tensor | None = None,
    d_hidden: torch.Tensor | None = None,
    d_joined: torch.Tensor | None = None,
) -> None:
    across = joined.shape[-1]
    sizes = (joined.numel() // across, across // (1 + gated), joined.dtype == torch.bfloat16, gated)
    run_kernel("octavo_activation", _Arguments(*sizes, joined, mask, hidden, d_hidden, d_joined))
