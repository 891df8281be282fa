"""The most probable tokens of a model, and the rank of the actual token. N positions, V vocabulary."""

import math
from typing import NamedTuple

import torch

from octavo.errors import OctavoError
from octavo.interpret.tokens import token_labels
from octavo.tokenizer import Tokenizer

TOP_K = 5  # predictions shown at each position


class Prediction(NamedTuple):
    """The label of a token and its probability; a tuple, because a long text has millions of them."""

    label: str
    probability: float


def vocabulary_labels(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return the labels of all tokens of the vocabulary, (V,)."""
    return token_labels(tokenizer, range(tokenizer.vocab_size))


def require_finite(logits: torch.Tensor) -> torch.Tensor:
    """Return the logits.

    Raises:
        OctavoError: a logit is not finite, as in a run that diverged.
    """
    if not bool(logits.isfinite().all()):
        raise OctavoError(
            "the model's logits are not finite: its weights are damaged, or its training diverged; train it again"
        )
    return logits


def top_k_predictions(
    logits: torch.Tensor, labels: tuple[str, ...], top_k: int = TOP_K
) -> list[tuple[Prediction, ...]]:
    """Return the `top_k` most probable tokens at each position of `logits` (N, V), the most probable first.

    Raises:
        OctavoError: a logit is not finite.
    """
    logits = require_finite(logits).float()
    top = logits.topk(min(top_k, logits.shape[-1]))
    top_p = (top.values - logits.logsumexp(-1, keepdim=True)).exp()  # only of these: a softmax of all takes longer
    return [
        tuple(map(Prediction, [labels[i] for i in ids], probabilities))
        for ids, probabilities in zip(top.indices.tolist(), top_p.tolist(), strict=True)
    ]


def ranks(logits: torch.Tensor, targets: torch.Tensor) -> list[int]:
    """Return the rank of each target (N,) among all tokens by `logits` (N, V); 1 is the most probable."""
    own = logits.gather(-1, targets.unsqueeze(-1))
    return [1 + better for better in (logits > own).sum(-1).tolist()]


_MAX_DIGITS = 7  # a smaller probability is given to the nearest power of ten


def one_in(nats: float) -> str:
    """Format the probability of a surprisal in nats as "1 in 290", to two digits.

    The probability itself would round to 0 from about 745 nats.
    """
    magnitude = nats / math.log(10)
    if magnitude >= _MAX_DIGITS:
        return f"1 in 10^{magnitude:.0f}"
    return f"1 in {float(f'{math.exp(nats):.2g}'):,.0f}"
