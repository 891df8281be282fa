"""Causal multi-head attention: the pure functions, and the layer that owns the projections.

B batch, T query position, S key position, H heads, K d_head, D d_model. Queries are the last T of the S positions, so
query t attends to keys 0 … S-T+t.
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
    """Return up to how many keys batched matmuls beat PyTorch's fused CPU attention (docs/lab-notes.md)."""
    return 512 if dtype == torch.bfloat16 else 64


def causal_scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Return scaled dot products (B, H, T, S) of queries (B, H, T, K) and keys (B, H, S, K); -inf for later keys."""
    mask = causal_mask(q.shape[-2], k.shape[-2], q)
    pairs = q.shape[:2].numel()
    scores = torch.baddbmm(mask.expand(pairs, -1, -1), q.flatten(0, 1), k.flatten(0, 1).mT, alpha=q.shape[-1] ** -0.5)
    return scores.view(*q.shape[:2], *mask.shape)


def causal_mask(queries: int, keys: int, like: torch.Tensor) -> torch.Tensor:
    """Return a mask (T, S) to add to scores: 0, and -inf for later keys. Data type and device are those of `like`.

    Example:
        >>> causal_mask(2, 3, torch.zeros(1))
        tensor([[0., 0., -inf],
                [0., 0., 0.]])
    """
    mask = torch.full((queries, keys), -torch.inf, dtype=like.dtype, device=like.device)
    return mask.triu_(keys - queries + 1)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return the outputs of all heads (B, H, T, K) by the fastest path, which may not compute the pattern.

    Equal to ``causal_scores(q, k).softmax(-1) @ v`` up to rounding.
    """
    queries, keys = q.shape[-2], k.shape[-2]
    if queries == 1 or keys <= max_unfused_keys(q.dtype):
        return causal_scores(q, k).softmax(dim=-1) @ v
    if queries == keys:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_mask(queries, keys, q))


class Attention(nn.Module):
    """Multi-head attention with separate projections q, k, v and output.

    Each key/value head may serve several query heads (grouped-query attention, Ainslie et al., 2023).
    """

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
        self, x: torch.Tensor, rope: RotaryEmbedding, *, cache: LayerCache | None = None, tap: Tap | None = None
    ) -> torch.Tensor:
        """Attend from each position of x (B, T, D) to the positions up to it; return (B, T, D).

        `rope` rotates queries and keys. With a `cache`, keys and values are appended to it, and queries attend to all
        that it holds.
        """
        qkv = fused_linear(x, self.q, self.k, self.v)
        if tap is None and cache is None and attention.supports(qkv, self.shape.width):
            norms = (getattr(self.q_norm, "weight", None), getattr(self.k_norm, "weight", None))
            output: torch.Tensor = self.output(attention.fused_attention(qkv, self.shape, norms, rope.table))
            return output
        widths = [layer.out_features for layer in (self.q, self.k, self.v)]
        q, k, v = (_split_heads(part, self.shape.width) for part in torch.split(qkv, widths, dim=-1))
        q, k = rope(self.q_norm(q)), rope(self.k_norm(k))
        q, k, v = tapped(tap, "q", q), tapped(tap, "k", k), tapped(tap, "v", v)
        if cache is not None:
            k, v = cache.append(k, v)
        if self.n_kv_heads < self.n_heads:
            group_size = self.n_heads // self.n_kv_heads
            k, v = k.repeat_interleave(group_size, dim=1), v.repeat_interleave(group_size, dim=1)
        if tap is None:
            attn_out = attend(q, k, v)
        else:
            scores = tapped(tap, "scores", causal_scores(q, k))
            pattern = tapped(tap, "pattern", scores.softmax(dim=-1))
            attn_out = tapped(tap, "heads", pattern @ v)
        return tapped(tap, "output", self.output(attn_out.transpose(1, 2).flatten(2)))


def _split_heads(x: torch.Tensor, width: int) -> torch.Tensor:
    """(B, T, H·K) -> (B, H, T, K)."""
    return x.view(*x.shape[:2], -1, width).transpose(1, 2)
