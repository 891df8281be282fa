"""Causal attention over whole windows in one kernel: the joined projections in, what the heads read out.

It is made for many short windows. Nothing of T x T is kept, queries and keys are normed and turned on the way, no
head is copied to another layout, and what the causal mask hides is not computed. Equal to the plain text of
:mod:`octavo.model.attention` up to rounding; in bf16 it rounds less often. B windows, T positions, H query heads, G
key/value heads, K d_head.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import FLOAT, INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTHS = 32  # d_head is a multiple of it


class _Arguments(KernelArgs):
    """``attention`` of attention.c."""

    _fields_ = (
        *((name, LONG) for name in ("positions", "heads", "kv_heads", "width")),
        ("half", INT),
        ("epsilon", FLOAT),
        *((name, POINTER) for name in ("q_norm", "k_norm", "cosines", "sines", "joined", "read", "log_sums")),
        *((name, POINTER) for name in ("d_read", "d_joined", "d_q_norm", "d_k_norm")),
        ("failed", INT),
    )


@dataclass(frozen=True)
class HeadShape:
    """How a row of the joined projections is cut: H heads of q, G of k, G of v, each K wide."""

    heads: int
    kv_heads: int
    width: int
    epsilon: float  # of the norms of queries and keys, if there are any


def supports(joined: torch.Tensor, width: int) -> bool:
    """Whether the kernel takes these projections of heads so wide."""
    return supports_tensor(joined) and supports_head_size(width)


def supports_head_size(width: int) -> bool:
    """Whether the kernel takes heads of this d_head."""
    return width % _WIDTHS == 0


def fused_attention(
    joined: torch.Tensor,
    shape: HeadShape,
    norms: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None),
    turn: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """What every head reads, (B, T, H·K), of projections (B, T, (H + 2G)·K) to q, k and v side by side.

    `norms` (K) scale the root-mean-square norms of queries and of keys, `turn` holds the cosines and sines
    (T, K/2) of rotary positions in the halves layout; None leaves them out.

    Raises:
        MemoryError: there is no room for one window.
    """
    return _read_by(joined, *norms, *(turn or (None, None)), shape)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, joined: Any, *rest: Any) -> torch.Tensor:
        *optional, shape = rest
        joined = joined.contiguous()
        floats = [None if t is None else t.float().contiguous() for t in optional]
        windows, positions, _ = joined.shape
        out: torch.Tensor = joined.new_empty(windows, positions, shape.heads * shape.width)
        log_sums = joined.new_empty(windows, shape.heads, positions, dtype=torch.float32)
        _call(shape, floats, joined, out, log_sums)
        ctx.save_for_backward(joined, out, log_sums, *floats)
        ctx.shape = shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        joined, out, log_sums, *floats = ctx.saved_tensors
        shape: HeadShape = ctx.shape
        d_joined = torch.empty_like(joined)
        d_norms = joined.new_zeros(2, len(joined) * shape.kv_heads, shape.width, dtype=torch.float32)
        _call(shape, floats, joined, out, log_sums, gradients[0].contiguous(), d_joined, d_norms)
        to_q, to_k = (
            None if norm is None else d_norm.sum(0) for norm, d_norm in zip(floats[:2], d_norms, strict=True)
        )
        return d_joined, to_q, to_k, None, None, None


_read_by: Callable[..., torch.Tensor] = _Attention.apply


def _call(
    shape: HeadShape,
    floats: list[torch.Tensor | None],
    joined: torch.Tensor,
    out: torch.Tensor,
    log_sums: torch.Tensor,
    d_read: torch.Tensor | None = None,
    d_joined: torch.Tensor | None = None,
    d_norms: torch.Tensor | None = None,
) -> None:
    windows, positions, _ = joined.shape
    half = joined.dtype == torch.bfloat16
    tensors = (*floats, joined, out, log_sums, d_read, d_joined, *((None, None) if d_norms is None else d_norms))
    arguments = _Arguments(positions, shape.heads, shape.kv_heads, shape.width, half, shape.epsilon, *tensors)
    if run_kernel("octavo_attention", arguments, ctypes.c_long(windows)):
        raise MemoryError("no memory for attention over one window")
