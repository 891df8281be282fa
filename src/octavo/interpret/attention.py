"""Attention: what each position of a passage weighs, in every head. T tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.interpret.activations import run_with_cache
from octavo.interpret.tokens import Passage
from octavo.model import Transformer

Patterns = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attention:
    """Where every head looks: patterns (layers, heads, T query, T key), whose rows sum to one."""

    passage: Passage
    patterns: Patterns

    def summary(self, layer: int, head: int) -> "HeadSummary | None":
        """What one head does on the average of the passage; None if that has fewer than three tokens."""
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
    """Mean shares of a head's attention over the queries of a passage, from the third: the first whose first token,
    token before and itself are three."""

    first_token: float
    previous_token: float
    current_token: float
    distance: float  # tokens back
    strongest: tuple[int, int]  # query and key of the largest weight


def measure_attention(model: Transformer, passage: Passage) -> Attention:
    """The patterns of all heads when the model reads the passage."""
    recorded = run_with_cache(model, passage.input_ids, "blocks.*.attention.pattern")
    patterns = [recorded[f"blocks.{layer}.attention.pattern"][0] for layer in range(model.config.n_layers)]
    return Attention(passage, np.stack([pattern.float().numpy() for pattern in patterns]))
