"""Where the heads look in the report's three texts: attention patterns, recorded by a tap. T tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.model import Transformer
from octavo.reproduction.reported import ATTENTION_TEXTS, ATTENTION_TOKENS
from octavo.run import Run

Patterns = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TextAttention:
    """One text: its name here, its first tokens as the vocabulary writes them, and (layers, heads, T, T)."""

    name: str
    tokens: tuple[str, ...]
    patterns: Patterns


def read_texts(run: Run) -> tuple[TextAttention, ...]:
    """Every text of the report, cut to as many tokens as it shows; one that the tokenizer has no token for is left
    out."""
    start_id = run.tokenizer.start_id
    first = [] if start_id is None else [start_id]
    most = min(ATTENTION_TOKENS, run.config.data.context_length)
    read = []
    for name, text in ATTENTION_TEXTS.items():
        if ids := [*first, *run.tokenizer.encode(text).tolist()][:most]:
            pieces = tuple(map(run.tokenizer.piece, ids))
            read.append(TextAttention(name, pieces, attention_patterns(run.model, ids)))
    return tuple(read)


@torch.inference_mode()
def attention_patterns(model: Transformer, ids: Sequence[int]) -> Patterns:
    """What every head weighs, (layers, heads, T, T), when the model reads the T tokens `ids`."""
    patterns: list[Patterns] = []

    def record(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site.endswith(".attention.pattern"):
            patterns.append(tensor[0].float().numpy().copy())
        return tensor

    model(torch.tensor([list(ids)]), tap=record)
    return np.stack(patterns)


def distance_from_even(patterns: Patterns) -> npt.NDArray[np.float64]:
    """How far each head, (layers, heads), is from looking at all tokens so far alike: 0, up to 1 for one token alone.

    The total variation distance of each row of the patterns (layers, heads, T, T) from the even one, as a share of
    the largest that the row can have, averaged over the queries that have a choice.
    """
    queries = patterns.shape[-1]
    seen = np.arange(1, queries + 1)
    even = np.tril(np.ones((queries, queries))) / seen[:, None]
    distances = 0.5 * np.abs(patterns - even).sum(-1)
    if queries == 1:
        return np.zeros(patterns.shape[:2])
    result: npt.NDArray[np.float64] = (distances[..., 1:] / (1 - 1 / seen[1:])).mean(-1)
    return result


def largest_query_key_weight(model: Transformer) -> float:
    """The weight or bias of the query and key projections that is farthest from zero: without them scores are 0."""
    weights = {n: w.detach() for n, w in model.named_parameters() if ".attention.q." in n or ".attention.k." in n}
    return max(float(weight.abs().max()) for weight in weights.values())
