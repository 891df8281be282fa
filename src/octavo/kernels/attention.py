"""Causal attention over windows in one kernel, from the fused projections to the outputs of the heads.

It is made for many short windows. No T x T matrix is kept, queries and keys are normed and rotated on the way, no
head is copied to another memory layout, and scores that the causal mask would hide are not computed. The result
equals that of :mod:`octavo.model.attention` up to rounding; in bf16 fewer intermediate values are rounded.

B windows, T positions, H query heads, G key/value heads, K d_head.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import FLOAT, INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor

_WIDTH_MULTIPLE = 32  # the kernel takes d_head that is a multiple of it


class _Arguments(KernelArgs):
    """``attention`` of attention.c."""

    _fields_ = (
        *((name, LONG) for name in ("positions", "heads", "kv_heads", "width")),
        ("is_bf16", INT),
        ("epsilon", FLOAT),
        *((name, POINTER) for name in ("q_norm", "k_norm", "cosines", "sines", "qkv", "attn_out", "lse")),
        *((name, POINTER) for name in ("d_attn_out", "d_qkv", "d_q_norm", "d_k_norm")),
        ("failed", INT),
    )


@dataclass(frozen=True)
class HeadShape:
    """The layout of a row of fused projections: H query heads, G key heads and G value heads, each K wide."""

    heads: int
    kv_heads: int
    width: int
    epsilon: float  # of the norms of queries and keys, if there are any


def supports(qkv: torch.Tensor, width: int) -> bool:
    """Return whether the kernel accepts these projections, of heads `width` wide."""
    return supports_tensor(qkv) and supports_head_size(width)


def supports_head_size(width: int) -> bool:
    """Return whether the kernel accepts heads of this d_head."""
    return width % _WIDTH_MULTIPLE == 0


def fused_attention(
    qkv: torch.Tensor,
    shape: HeadShape,
    norms: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None),
    rope: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Return the outputs of all heads, (B, T, H·K).

    Args:
        qkv: projections to queries, keys and values, concatenated: (B, T, (H + 2G)·K).
        shape: the heads.
        norms: weights (K) of the root-mean-square norms of queries and of keys; None: no norm.
        rope: cosines and sines (T, K/2) of rotary positions in the halves layout; None: no rotation.

    Raises:
        MemoryError: the buffers for one window could not be allocated.
    """
    return _attention(qkv, *norms, *(rope or (None, None)), shape)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Any, *rest: Any) -> torch.Tensor:
        *optional, shape = rest
        qkv = qkv.contiguous()
        norms_and_rope = [None if t is None else t.float().contiguous() for t in optional]
        windows, positions, _ = qkv.shape
        attn_out: torch.Tensor = qkv.new_empty(windows, positions, shape.heads * shape.width)
        lse = qkv.new_empty(windows, shape.heads, positions, dtype=torch.float32)
        _call(shape, norms_and_rope, qkv, attn_out=attn_out, lse=lse)
        ctx.save_for_backward(qkv, attn_out, lse, *norms_and_rope)
        ctx.shape = shape
        return attn_out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        qkv, attn_out, lse, *norms_and_rope = ctx.saved_tensors
        shape: HeadShape = ctx.shape
        d_qkv = torch.empty_like(qkv)
        d_norms = qkv.new_zeros(2, len(qkv) * shape.kv_heads, shape.width, dtype=torch.float32)
        buffers = {"attn_out": attn_out, "lse": lse, "d_attn_out": gradients[0].contiguous(), "d_qkv": d_qkv}
        _call(shape, norms_and_rope, qkv, **buffers, d_q_norm=d_norms[0], d_k_norm=d_norms[1])
        d_q_norm, d_k_norm = (
            None if norm is None else d_norm.sum(0) for norm, d_norm in zip(norms_and_rope[:2], d_norms, strict=True)
        )
        return d_qkv, d_q_norm, d_k_norm, None, None, None


_attention: Callable[..., torch.Tensor] = _Attention.apply


def _call(
    shape: HeadShape, norms_and_rope: list[torch.Tensor | None], qkv: torch.Tensor, **buffers: torch.Tensor
) -> None:
    windows, positions, _ = qkv.shape
    sizes = {"positions": positions, "heads": shape.heads, "kv_heads": shape.kv_heads, "width": shape.width}
    options = dict(zip(("q_norm", "k_norm", "cosines", "sines"), norms_and_rope, strict=True))
    is_bf16 = qkv.dtype == torch.bfloat16
    arguments = _Arguments(**sizes, is_bf16=is_bf16, epsilon=shape.epsilon, **options, qkv=qkv, **buffers)
    if run_kernel("octavo_attention", arguments, ctypes.c_long(windows)):
        raise MemoryError("not enough memory for attention over one window")
