"""Causal multi-head attention: the pure functions, and the layer that owns their weights.

B batch, T query position, S key position, H heads, K d_head, D d_model. Queries are the last T of the S
positions, so query t sees keys 0 … S-T+t.
"""

import torch
import torch.nn.functional as F
from torch import nn

from octavo.config import ModelConfig
from octavo.kernels import attention
from octavo.model.kv_cache import LayerCache
from octavo.model.layers import Linear, fused_linear, make_head_norm
from octavo.model.positions import RotaryEmbedding
from octavo.model.taps import Tap, tapped


def max_unfused_keys(dtype: torch.dtype) -> int:
    """Up to how many keys plain batched products beat PyTorch's fused CPU attention (docs/lab-notes.md)."""
    return 512 if dtype == torch.bfloat16 else 64


def causal_scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Scaled products of queries (B, H, T, K) and keys (B, H, S, K); -inf where the key comes later."""
    mask = causal_mask(q.shape[-2], k.shape[-2], q)
    pairs = q.shape[:2].numel()
    scores = torch.baddbmm(mask.expand(pairs, -1, -1), q.flatten(0, 1), k.flatten(0, 1).mT, alpha=q.shape[-1] ** -0.5)
    return scores.view(*q.shape[:2], *mask.shape)


def causal_mask(queries: int, keys: int, like: torch.Tensor) -> torch.Tensor:
    """0 where a query may look and -inf where it may not, (T, S), in the dtype and place of `like`."""
    mask = torch.full((queries, keys), -torch.inf, dtype=like.dtype, device=like.device)
    return mask.triu_(keys - queries + 1)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention without showing its pattern, (B, H, T, K): the fast path.

    Equal to ``causal_scores(q, k).softmax(-1) @ v`` up to rounding.
    """
    queries, keys = q.shape[-2], k.shape[-2]
    if queries == 1 or keys <= max_unfused_keys(q.dtype):
        return causal_scores(q, k).softmax(dim=-1) @ v
    if queries == keys:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_mask(queries, keys, q))


class Attention(nn.Module):
    """Separate projections to q, k, v and out; key/value heads may serve several query heads each
    (grouped-query attention, Ainslie et al., 2023)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_heads, self.n_kv_heads = config.n_heads, config.key_value_heads
        self.shape = attention.HeadShape(self.n_heads, self.n_kv_heads, config.head_width, config.norm_epsilon)
        width, kv_width = config.n_heads * config.head_width, config.key_value_heads * config.head_width
        self.q = Linear(config.d_model, width, bias=config.bias)
        self.k = Linear(config.d_model, kv_width, bias=config.bias)
        self.v = Linear(config.d_model, kv_width, bias=config.bias)
        self.output = Linear(width, config.d_model, bias=config.bias)
        self.q_norm, self.k_norm = make_head_norm(config), make_head_norm(config)

    def forward(
        self, x: torch.Tensor, rotate: RotaryEmbedding, *, cache: LayerCache | None = None, tap: Tap | None = None
    ) -> torch.Tensor:
        """Let each position of x (B, T, D) read from those before it; returns (B, T, D)."""
        joined = fused_linear(x, self.q, self.k, self.v)
        if tap is None and cache is None and attention.supports(joined, self.shape.width):
            norms = (getattr(self.q_norm, "weight", None), getattr(self.k_norm, "weight", None))
            read: torch.Tensor = self.output(attention.fused_attention(joined, self.shape, norms, rotate.table))
            return read
        widths = [layer.out_features for layer in (self.q, self.k, self.v)]
        q, k, v = (_heads(part, self.shape.width) for part in torch.split(joined, widths, dim=-1))
        q, k = rotate(self.q_norm(q)), rotate(self.k_norm(k))
        q, k, v = tapped(tap, "q", q), tapped(tap, "k", k), tapped(tap, "v", v)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.n_kv_heads < self.n_heads:
            shared_by = self.n_heads // self.n_kv_heads
            k, v = k.repeat_interleave(shared_by, dim=1), v.repeat_interleave(shared_by, dim=1)
        if tap is None:
            read = attend(q, k, v)
        else:
            scores = tapped(tap, "scores", causal_scores(q, k))
            pattern = tapped(tap, "pattern", scores.softmax(dim=-1))
            read = tapped(tap, "heads", pattern @ v)
        joined = read.transpose(1, 2).flatten(2)
        return tapped(tap, "output", self.output(joined))


def _heads(x: torch.Tensor, width: int) -> torch.Tensor:
    """(B, T, H·K) -> (B, H, T, K)."""
    return x.view(*x.shape[:2], -1, width).transpose(1, 2)
