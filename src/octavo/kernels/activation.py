"""Activation of a feed-forward layer, with dropout in the same pass. F d_ff."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTH_MULTIPLE = 16  # the kernel takes d_ff that is a multiple of it


class _Arguments(KernelArgs):
    """``activation`` of activation.c."""

    _fields_ = (
        ("rows", LONG),
        ("width", LONG),
        ("is_bf16", INT),
        ("gated", INT),
        *((name, POINTER) for name in ("gate_up", "mask", "hidden", "d_hidden", "d_gate_up")),
    )


def supports(gate_up: torch.Tensor, gated: bool) -> bool:
    """Return whether the kernel accepts these projections: (…, 2F) if `gated`, else (…, F)."""
    return supports_tensor(gate_up) and gate_up.shape[-1] % (_WIDTH_MULTIPLE * (1 + gated)) == 0


def swiglu(gate_up: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return silu(gate) · up · mask, (…, F), of gate and up concatenated (…, 2F)."""
    return _activation(gate_up, mask, True)


def relu(up: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return max(0, up) · mask, (…, F)."""
    return _activation(up, mask, False)


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Any, mask: Any, gated: Any) -> torch.Tensor:
        gate_up = gate_up.contiguous()
        hidden: torch.Tensor = gate_up.new_empty(*gate_up.shape[:-1], gate_up.shape[-1] // (1 + gated))
        if mask is not None:
            mask = mask.to(gate_up.dtype).expand(hidden.shape).contiguous()
        _call(gate_up, mask, gated, hidden=hidden)
        ctx.save_for_backward(gate_up, mask)
        ctx.gated = gated
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        gate_up, mask = ctx.saved_tensors
        d_gate_up = torch.empty_like(gate_up)
        _call(gate_up, mask, ctx.gated, d_hidden=gradients[0].contiguous(), d_gate_up=d_gate_up)
        return d_gate_up, None, None


_activation: Callable[..., torch.Tensor] = _Activation.apply


def _call(gate_up: torch.Tensor, mask: torch.Tensor | None, gated: bool, **buffers: torch.Tensor) -> None:
    rows, width = gate_up.shape[:-1].numel(), gate_up.shape[-1] // (1 + gated)
    sizes = {"rows": rows, "width": width, "is_bf16": gate_up.dtype == torch.bfloat16, "gated": gated}
    run_kernel("octavo_activation", _Arguments(**sizes, gate_up=gate_up, mask=mask, **buffers))
