"""Spread: how far attention reaches, and how many tokens share it. T queries, S = T keys.

Each is a figure for every query of patterns (…, T, S) whose rows sum to one. The first query has one key alone, so it
has no choice: leave it out of averages.
"""

import math

import torch


def even_pattern(length: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
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


def largest_entropy(length: int) -> torch.Tensor:
    """The most bits that the entropy of each query can have, (T,): that of even attention."""
    return torch.arange(1, length + 1).log2()


def distance_from_even(patterns: torch.Tensor) -> torch.Tensor:
    """How far each query is from weighing all tokens so far alike: 0, up to 1 for one token alone, (…, T).

    The total variation distance from the even row, as a share of the largest that the row can have; 0 for the first
    query, which has no choice.
    """
    length = patterns.shape[-1]
    largest = 1 - 1 / torch.arange(1, length + 1)
    largest[0] = 1.0
    return 0.5 * (patterns - even_pattern(length, patterns.dtype)).abs().sum(-1) / largest
