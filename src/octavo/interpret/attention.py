"""Attention: what each position of a passage weighs, in every head. T tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.interpret.passage import Passage
from octavo.interpret.recording import record
from octavo.model import Transformer

Patterns = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attention:
    """Where every head looks: patterns (layers, heads, T query, T key), whose rows sum to one."""

    passage: Passage
    patterns: Patterns


def read_attention(model: Transformer, passage: Passage) -> Attention:
    """The patterns of all heads when the model reads the passage."""
    recorded = record(model, passage.input_ids, "blocks.*.attention.pattern")
    patterns = [recorded[f"blocks.{layer}.attention.pattern"][0] for layer in range(model.config.n_layers)]
    return Attention(passage, np.stack([pattern.float().numpy() for pattern in patterns]))
