"""Looking: how much attention each head gives to some kinds of keys, and how far it spreads, window by window.

L layers, H heads, W windows, K kinds, T tokens of a window (queries), S keys, B windows of a batch.

Spread: how far attention reaches, and how many tokens share it. T queries, S = T keys.

Each is a figure for every query of patterns (…, T, S) whose rows sum to one. The first query has one key alone, so it
has no choice: leave it out of averages.
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
Masks = Callable[[slice], npt.NDArray[np.bool_]]  # of some windows: (B, K, T, S), whether a query means a key
_WEIGHTS = 1 << 23  # of attention, held at once


@dataclass(frozen=True)
class AttentionStats:
    """Sums over the queries of each window; a query counts for a kind if there is a key of it."""

    attention: Sums  # (L, H, K, W)
    uniform: Sums  # (K, W), the same of even attention
    queries: Sums  # (K, W), how many count
    spread_sums: Sums  # (L, H, 4, W): distance, entropy, relative entropy, distance from even
    queries_per_window: int  # queries of a window that have a choice

    def target_fractions(self, layer: int, head: int) -> list[AttentionFraction | None]:
        """By kind; None of a kind that there was no key of."""
        found = ratio_estimates(self.attention[layer, head], self.queries)
        chance = self.uniform.sum(-1) / np.maximum(1, self.queries.sum(-1))
        return [
            None if e is None else AttentionFraction(e, even) for e, even in zip(found, chance.tolist(), strict=True)
        ]

    def spread(self, layer: int, head: int) -> list[Estimate]:
        """Mean distance, entropy, relative entropy, distance from even."""
        sums = self.spread_sums[layer, head]
        return [found for found in ratio_estimates(sums, np.full_like(sums, self.queries_per_window)) if found]


def attention_stats(model: Transformer, inputs: torch.Tensor, masks: Masks) -> AttentionStats:
    """Read the windows `inputs` (W, T), some at a time, and sum where the heads look."""
    layers, heads, length = model.config.n_layers, model.config.n_heads, inputs.shape[1]
    sites = [f"blocks.{layer}.attention.pattern" for layer in range(layers)]
    at_once = max(1, _WEIGHTS // (layers * heads * length**2))
    attention, spreads, queries, even = [], [], [], []
    for begin in range(0, len(inputs), at_once):
        rows = slice(begin, begin + at_once)
        meant = torch.from_numpy(masks(rows))
        queries.append(meant.any(-1).sum(-1).T.double())
        keys = meant.float().flatten(2)  # (B, K, T·S)
        even.append((keys @ uniform_pattern(length).flatten()).T)
        recorded = run_with_cache(model, inputs[rows], *sites)
        patterns = torch.stack([recorded[site].float() for site in sites])  # (L, B, H, T, S)
        attention.append((patterns.flatten(-2) @ keys.mT).permute(0, 2, 3, 1))
        spreads.append(_spreads(patterns).permute(1, 3, 0, 2))

    def joined(parts: list[torch.Tensor]) -> Sums:
        return torch.cat(parts, dim=-1).double().numpy()

    return AttentionStats(joined(attention), joined(even), joined(queries), joined(spreads), length - 1)


def _spreads(patterns: torch.Tensor) -> torch.Tensor:
    """(4, L, B, H): the sums over all queries but the first, which has no choice."""
    bits, most = entropy(patterns), uniform_entropy(patterns.shape[-1])
    figures = (mean_distance(patterns), bits, bits / most.clamp(min=1), distance_from_uniform(patterns))
    return torch.stack([figure[..., 1:].sum(-1) for figure in figures])


def uniform_pattern(length: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Attention that weighs all tokens so far alike, (T, S)."""
    return torch.ones(length, length, dtype=dtype).tril() / torch.arange(1, length + 1)[:, None]


def mean_distance(patterns: torch.Tensor) -> torch.Tensor:
    """How many tokens back each query looks, on average, (…, T)."""
    places = torch.arange(patterns.shape[-1], dtype=patterns.dtype)
    return places - patterns @ places


def entropy(patterns: torch.Tensor) -> torch.Tensor:
    """Entropy in bits, (…, T): attention is spread as over 2^entropy tokens that share it evenly."""
    nats: torch.Tensor = torch.special.xlogy(patterns, patterns).sum(-1).neg()
    return nats / math.log(2)


def uniform_entropy(length: int) -> torch.Tensor:
    """The most bits that the entropy of each query can have, (T,): that of even attention."""
    return torch.arange(1, length + 1).log2()


def distance_from_uniform(patterns: torch.Tensor) -> torch.Tensor:
    """How far each query is from weighing all tokens so far alike: 0, up to 1 for one token alone, (…, T).

    The total variation distance from the even row, as a share of the largest that the row can have; 0 for the first
    query, which has no choice.
    """
    length = patterns.shape[-1]
    largest = 1 - 1 / torch.arange(1, length + 1)
    largest[0] = 1.0
    return 0.5 * (patterns - uniform_pattern(length, patterns.dtype)).abs().sum(-1) / largest
