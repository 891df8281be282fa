"""Measure the attention patterns of a passage: the weight of each key for each query, in every head. T tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.interpret.activations import run_with_cache
from octavo.interpret.tokens import Passage
from octavo.model import Transformer

Patterns = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AttentionPatterns:
    """The attention patterns of a passage, (layers, heads, T query, T key); each row sums to one."""

    passage: Passage
    patterns: Patterns

    def summary(self, layer: int, head: int) -> "HeadSummary | None":
        """Return the means of one head over the passage; None if it has fewer than three tokens."""
        pattern = self.patterns[layer, head].astype(np.float64)
        queries = np.arange(2, len(pattern))
        if not len(queries):
            return None
        rows = pattern[2:]
        query, key = np.unravel_index(rows.argmax(), rows.shape)
        return HeadSummary(
            first_token=float(rows[:, 0].mean()),
            previous_token=float(pattern[queries, queries - 1].mean()),
            current_token=float(pattern[queries, queries].mean()),
            distance=float((rows * (queries[:, None] - np.arange(len(pattern)))).sum(1).mean()),
            strongest=(int(query) + 2, int(key)),
        )


@dataclass(frozen=True)
class HeadSummary:
    """Mean attention weights of a head over the queries of a passage.

    The third query is the first one counted: its first token, previous token and current token are three keys.
    """

    first_token: float
    previous_token: float
    current_token: float
    distance: float  # mean attention distance in tokens
    strongest: tuple[int, int]  # query and key of the largest weight


def measure_attention(model: Transformer, passage: Passage) -> AttentionPatterns:
    """Run the model on a passage and return the patterns of all heads."""
    cache = run_with_cache(model, passage.input_ids, "blocks.*.attention.pattern")
    patterns = [cache[f"blocks.{layer}.attention.pattern"][0] for layer in range(model.config.n_layers)]
    return AttentionPatterns(passage, np.stack([pattern.float().numpy() for pattern in patterns]))
