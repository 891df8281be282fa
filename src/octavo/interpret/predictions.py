"""Guesses: what a model thinks likeliest at a place, and where what really came stands among all tokens.

N places, V vocabulary.

A chance as people say it: 1 in 290.
"""

import math
from typing import NamedTuple

import torch

from octavo.errors import OctavoError
from octavo.interpret.tokens import token_labels
from octavo.tokenizer import Tokenizer

TOP_K = 5  # shown of each place


class Prediction(NamedTuple):
    """A token that could come next, as people read it, and its probability.

    A tuple, since a long text has millions of them.
    """

    label: str
    probability: float


def vocabulary_labels(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The label of every token."""
    return token_labels(tokenizer, range(tokenizer.vocab_size))


def require_finite(logits: torch.Tensor) -> torch.Tensor:
    """The same logits. Raises OctavoError if one is not finite, as in a run that diverged."""
    if not bool(logits.isfinite().all()):
        raise OctavoError(
            "the model's numbers are not finite: its weights are damaged, or its training diverged; train it again"
        )
    return logits


def top_k_predictions(
    logits: torch.Tensor, labels: tuple[str, ...], most: int = TOP_K
) -> list[tuple[Prediction, ...]]:
    """The `most` likeliest tokens at each place of `logits` (N, V), the likeliest first.

    Raises:
        OctavoError: they are not finite.
    """
    found = require_finite(logits).float()
    top = found.topk(min(most, logits.shape[-1]))
    odds = (top.values - found.logsumexp(-1, keepdim=True)).exp()  # of these alone: a softmax of all takes longer
    return [
        tuple(map(Prediction, [labels[i] for i in ids], probabilities))
        for ids, probabilities in zip(top.indices.tolist(), odds.tolist(), strict=True)
    ]


def ranks(logits: torch.Tensor, came: torch.Tensor) -> list[int]:
    """Which place the token that `came` (N) has among all, by `logits` (N, V): 1 is the likeliest."""
    own = logits.gather(-1, came.unsqueeze(-1))
    return [1 + better for better in (logits > own).sum(-1).tolist()]


_WRITTEN_OUT = 7  # digits; what is rarer is said to the nearest power of ten


def one_in(nats: float) -> str:
    """How likely something was that cost so many nats, to two digits.

    It is said from the cost, since the probability itself rounds to 0 from about 745 nats.
    """
    magnitude = nats / math.log(10)
    if magnitude >= _WRITTEN_OUT:
        return f"1 in 10^{magnitude:.0f}"
    return f"1 in {float(f'{math.exp(nats):.2g}'):,.0f}"
