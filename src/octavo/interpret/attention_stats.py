"""Measure per-head attention statistics: fraction of attention per target kind, mean distance, entropy, uniformity.

L layers, H heads, W windows, K kinds, T tokens of a window (queries), S = T keys, B windows of a batch.

The functions from :func:`uniform_pattern` on take patterns (…, T, S) whose rows sum to one and return one figure for
each query. The first query has only one key, so averages leave it out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.interpret.activations import run_with_cache
from octavo.interpret.head_table import AttentionFraction
from octavo.model import Transformer
from octavo.system.statistics import Estimate, ratio_estimates

Sums = npt.NDArray[np.float64]
Masks = Callable[[slice], npt.NDArray[np.bool_]]  # of some windows: (B, K, T, S), whether a key is a target
_MAX_WEIGHTS = 1 << 23  # attention weights held at once


@dataclass(frozen=True)
class AttentionStats:
    """Sums over the queries of each window. A query counts for a kind if one of its keys is of that kind."""

    attention: Sums  # (L, H, K, W)
    uniform: Sums  # (K, W), the same for uniform attention
    queries: Sums  # (K, W), the queries that count
    spread_sums: Sums  # (L, H, 4, W): distance, entropy, relative entropy, distance from uniform attention
    queries_per_window: int  # all but the first

    def target_fractions(self, layer: int, head: int) -> list[AttentionFraction | None]:
        """Return the fraction of a head's attention per kind; None for a kind without a key."""
        fractions = ratio_estimates(self.attention[layer, head], self.queries)
        uniform = self.uniform.sum(-1) / np.maximum(1, self.queries.sum(-1))
        return [
            None if fraction is None else AttentionFraction(fraction, expected)
            for fraction, expected in zip(fractions, uniform.tolist(), strict=True)
        ]

    def spread(self, layer: int, head: int) -> list[Estimate]:
        """Return the mean distance, entropy, relative entropy, and distance from uniform attention of a head."""
        sums = self.spread_sums[layer, head]
        return [e for e in ratio_estimates(sums, np.full_like(sums, self.queries_per_window)) if e]


def attention_stats(model: Transformer, inputs: torch.Tensor, masks: Masks) -> AttentionStats:
    """Run the model on windows and sum its attention per target kind.

    Args:
        model: the model.
        inputs: token ids, (W, T).
        masks: returns the target keys of some windows.
    """
    layers, heads, length = model.config.n_layers, model.config.n_heads, inputs.shape[1]
    sites = [f"blocks.{layer}.attention.pattern" for layer in range(layers)]
    at_once = max(1, _MAX_WEIGHTS // (layers * heads * length**2))
    attention, spreads, queries, uniform = [], [], [], []
    for begin in range(0, len(inputs), at_once):
        rows = slice(begin, begin + at_once)
        mask = torch.from_numpy(masks(rows))
        queries.append(mask.any(-1).sum(-1).T.double())
        keys = mask.float().flatten(2)  # (B, K, T·S)
        uniform.append((keys @ uniform_pattern(length).flatten()).T)
        cache = run_with_cache(model, inputs[rows], *sites)
        patterns = torch.stack([cache[site].float() for site in sites])  # (L, B, H, T, S)
        attention.append((patterns.flatten(-2) @ keys.mT).permute(0, 2, 3, 1))
        spreads.append(_spreads(patterns).permute(1, 3, 0, 2))

    def joined(parts: list[torch.Tensor]) -> Sums:
        return torch.cat(parts, dim=-1).double().numpy()

    return AttentionStats(joined(attention), joined(uniform), joined(queries), joined(spreads), length - 1)


def _spreads(patterns: torch.Tensor) -> torch.Tensor:
    """Return the sums of the four spread figures over all queries but the first, (4, L, B, H)."""
    bits, max_bits = entropy(patterns), uniform_entropy(patterns.shape[-1])
    figures = (mean_distance(patterns), bits, bits / max_bits.clamp(min=1), distance_from_uniform(patterns))
    return torch.stack([figure[..., 1:].sum(-1) for figure in figures])


def uniform_pattern(length: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return uniform attention: the same weight for the query's token and all before it, (T, S)."""
    return torch.ones(length, length, dtype=dtype).tril() / torch.arange(1, length + 1)[:, None]


def mean_distance(patterns: torch.Tensor) -> torch.Tensor:
    """Return the mean attention distance of each query in tokens, (…, T)."""
    positions = torch.arange(patterns.shape[-1], dtype=patterns.dtype)
    return positions - patterns @ positions


def entropy(patterns: torch.Tensor) -> torch.Tensor:
    """Return the entropy of each query in bits, (…, T): that of uniform attention over 2^entropy tokens."""
    nats: torch.Tensor = torch.special.xlogy(patterns, patterns).sum(-1).neg()
    return nats / math.log(2)


def uniform_entropy(length: int) -> torch.Tensor:
    """Return the maximum entropy of each query in bits, (T,): that of uniform attention."""
    return torch.arange(1, length + 1).log2()


def distance_from_uniform(patterns: torch.Tensor) -> torch.Tensor:
    """Return the distance of each query from uniform attention, (…, T): 0 is uniform, 1 is attention to one token.

    It is the total variation distance divided by the largest one that the row can have; 0 for the first query.
    """
    length = patterns.shape[-1]
    largest = 1 - 1 / torch.arange(1, length + 1)
    largest[0] = 1.0
    return 0.5 * (patterns - uniform_pattern(length, patterns.dtype)).abs().sum(-1) / largest
