"""Where the heads look in the report's three texts. T tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.experiments.reproduction.reported import ATTENTION_TEXTS, ATTENTION_TOKENS
from octavo.interpret import attention_stats as spread
from octavo.interpret.attention import Attention, Patterns, measure_attention
from octavo.interpret.tokens import read_passage
from octavo.model import Transformer
from octavo.pipeline.run import Run


@dataclass(frozen=True)
class TextAttention:
    """One text: its name here, and what every head weighs in its first tokens."""

    name: str
    attention: Attention


def read_attention_texts(run: Run) -> tuple[TextAttention, ...]:
    """Every text of the report, cut to as many tokens as it shows; one that the tokenizer has no token for is left
    out."""
    most = min(ATTENTION_TOKENS, run.config.data.context_length)
    read = []
    for name, text in ATTENTION_TEXTS.items():
        try:
            passage = read_passage(run.tokenizer, text, most)
        except OctavoError:
            continue
        read.append(TextAttention(name, measure_attention(run.model, passage)))
    return tuple(read)


def pattern_distance_from_uniform(patterns: Patterns) -> npt.NDArray[np.float64]:
    """How far each head, (layers, heads), is from looking at all tokens so far alike: 0, up to 1 for one token alone;
    on average over the queries of the patterns (layers, heads, T, T) that have a choice."""
    if patterns.shape[-1] == 1:
        return np.zeros(patterns.shape[:2])
    distances = spread.distance_from_uniform(torch.from_numpy(patterns).double())
    result: npt.NDArray[np.float64] = distances[..., 1:].mean(-1).numpy()
    return result


def largest_query_key_weight(model: Transformer) -> float:
    """The weight or bias of the query and key projections that is farthest from zero: without them scores are 0."""
    weights = {n: w.detach() for n, w in model.named_parameters() if ".attention.q." in n or ".attention.k." in n}
    return max(float(weight.abs().max()) for weight in weights.values())
