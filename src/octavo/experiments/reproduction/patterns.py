"""The attention patterns of the course report's three texts. T tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.experiments.reproduction.reported import ATTENTION_TEXTS, ATTENTION_TOKENS
from octavo.interpret.attention import AttentionPatterns, Patterns, measure_attention
from octavo.interpret.attention_stats import distance_from_uniform
from octavo.interpret.tokens import read_passage
from octavo.model import Transformer
from octavo.pipeline.run import Run


@dataclass(frozen=True)
class TextAttention:
    """A text of the report, by its name here, and the attention of every head over its first tokens."""

    name: str
    attention: AttentionPatterns


def read_attention_texts(run: Run) -> tuple[TextAttention, ...]:
    """Return the attention over every text, truncated as in the report; a text without a known token is skipped."""
    max_tokens = min(ATTENTION_TOKENS, run.config.data.context_length)
    texts = []
    for name, text in ATTENTION_TEXTS.items():
        try:
            passage = read_passage(run.tokenizer, text, max_tokens)
        except OctavoError:
            continue
        texts.append(TextAttention(name, measure_attention(run.model, passage)))
    return tuple(texts)


def pattern_distance_from_uniform(patterns: Patterns) -> npt.NDArray[np.float64]:
    """Return each head's distance from uniform attention, 0 to 1 (all weight on one token).

    Args:
        patterns: attention weights (layers, heads, T, T).

    Returns:
        The mean over all queries but the first, which has only one key (layers, heads).
    """
    if patterns.shape[-1] == 1:
        return np.zeros(patterns.shape[:2])
    distances = distance_from_uniform(torch.from_numpy(patterns).double())
    result: npt.NDArray[np.float64] = distances[..., 1:].mean(-1).numpy()
    return result


def largest_query_key_weight(model: Transformer) -> float:
    """Return the largest absolute weight or bias of the query and key projections, without which all scores are 0."""
    weights = {n: w.detach() for n, w in model.named_parameters() if ".attention.q." in n or ".attention.k." in n}
    return max(float(weight.abs().max()) for weight in weights.values())
