"""Measure the surprisal of each token of a text in bits, and the predictions that were more probable.

The windows are those of :mod:`octavo.evaluate.scoring`, half a context apart, so the total of a text is its score. Of
a long text only the beginning is kept token by token, of the rest sums and the most surprising tokens. N tokens.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate, chain

import numpy as np
import torch

from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.evaluate.scoring import Nats, Scorer
from octavo.interpret.predictions import (
    TOP_K,
    Prediction,
    ranks,
    require_finite,
    top_k_predictions,
    vocabulary_labels,
)
from octavo.interpret.tokens import Alignment, iter_alignments, read_ids
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.terminal import quantity
from octavo.tokenizer import Tokenizer

WORST = 8  # most surprising tokens of a text
MAX_CHARACTERS = 10_000  # kept token by token: a page shows each token as a button
_CONTEXT_CHARACTERS = 40  # of the text before a token


@dataclass(frozen=True)
class TokenSurprise:
    """The surprisal of a token, and the most probable tokens at its position."""

    label: str
    nats: float
    rank: int | None  # 1: the most probable; None: the first token without a BOS token, which is not predicted
    predictions: tuple[Prediction, ...]  # the most probable first; empty for a token that is not predicted

    @property
    def bits(self) -> float:
        """Return the surprisal in bits."""
        return self.nats / math.log(2)

    @property
    def probability(self) -> float:
        """Return the probability that the model gave the token."""
        return math.exp(-self.nats)


@dataclass(frozen=True)
class Rest:
    """Sums over the part of a text that is not kept token by token."""

    tokens: int = 0
    nats: float = 0.0
    dropped_characters: int = 0  # characters without a token
    # The most surprising tokens, each after the characters before it.
    worst: tuple[tuple[str, TokenSurprise], ...] = ()


@dataclass(frozen=True)
class Surprise:
    """The surprisal of a text; of its beginning token by token, aligned with its characters."""

    text: str
    tokens: tuple[TokenSurprise, ...]  # of the alignments
    alignments: tuple[Alignment, ...]  # their texts joined are the beginning of the text
    context_length: int  # of the windows, which are half a context apart
    lossless_tokenizer: bool  # False: characters without tokens have no surprisal: not comparable with other models
    rest: Rest = Rest()

    def bits(self, alignment: Alignment) -> float:
        """Return the surprisal of an alignment in bits."""
        return sum(token.bits for token in self.tokens[alignment.begin : alignment.end])

    def bits_per_character_of(self, alignment: Alignment) -> float:
        """Return the surprisal per character of an alignment; its bits are divided evenly among its characters."""
        return self.bits(alignment) / len(alignment.text)

    @property
    def omitted_characters(self) -> int:
        """Return how many characters are not kept token by token."""
        return len(self.text) - sum(len(alignment.text) for alignment in self.alignments)

    @property
    def dropped_characters(self) -> int:
        """Return how many characters of the text have no token."""
        return (
            sum(len(alignment.text) for alignment in self.alignments if alignment.dropped)
            + self.rest.dropped_characters
        )

    @property
    def token_count(self) -> int:
        """Return how many tokens the text has."""
        return len(self.tokens) + self.rest.tokens

    @property
    def total_nats(self) -> float:
        """Return the surprisal of the text in nats."""
        return math.fsum(token.nats for token in self.tokens) + self.rest.nats

    @property
    def total_bits(self) -> float:
        """Return the surprisal of the text in bits."""
        return self.total_nats / math.log(2)

    @property
    def bits_per_character(self) -> float:
        """Return the score; it is comparable with other models if the tokenizer is lossless."""
        return self.total_bits / len(self.text)

    @property
    def nats_per_token(self) -> float:
        """Return the loss; it is comparable with models of the same tokenizer."""
        return self.total_nats / self.token_count

    @property
    def worst(self) -> list[tuple[str, TokenSurprise]]:
        """Return the most surprising tokens, the most surprising first, each after the characters before it."""

        def kept() -> Iterator[tuple[str, TokenSurprise]]:
            ends = accumulate((len(alignment.text) for alignment in self.alignments), initial=0)
            for done, alignment in zip(ends, self.alignments, strict=False):
                for token in self.tokens[alignment.begin : alignment.end]:
                    if token.rank is not None:
                        yield _before(self.text, done), token

        return nlargest(WORST, chain(kept(), self.rest.worst), key=lambda cost: cost[1].nats)

    def caveats(self) -> list[str]:
        """Return the limits of the figures; empty if there are none."""
        found = []
        if not self.lossless_tokenizer:
            found.append(
                f"{LOSSY_CAVEAT}; {quantity(self.dropped_characters, 'character')} of this text cost nothing"
            )
        if self.tokens[0].rank is None:
            found.append("no token precedes the first one, so it costs as much as under the uniform baseline")
        return found


def measure_surprise(
    model: Transformer,
    tokenizer: Tokenizer,
    text: str,
    *,
    context_length: int,
    characters: int | None = None,
    top_k: int = TOP_K,
    watch: ProgressCallback = no_progress,
) -> Surprise:
    """Measure the surprisal of each token of a text.

    Without a BOS token no token precedes the first one, so its surprisal is that of the uniform baseline, as in the
    score.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        text: the text.
        context_length: tokens of a window.
        characters: the first characters, which are kept token by token; None: all.
        top_k: number of the most probable tokens to keep at each position.
        watch: is called with the fraction that is done.

    Raises:
        OctavoError: the tokenizer has no token for any character of the text.
    """
    ids = read_ids(tokenizer, text)
    beginning = _beginning(
        iter_alignments(tokenizer, text, ids.data), len(text) if characters is None else characters
    )
    labels, first = vocabulary_labels(tokenizer), list[TokenSurprise]()
    if tokenizer.bos_id is None:
        first = [TokenSurprise(labels[ids[0]], math.log(model.vocab_size), None, ())]
    collector = _TokenCollector(labels, first, beginning[-1].end, top_k)
    for batch in Scorer(model, tokenizer.bos_id, context_length).batches([ids], watch=watch):
        nats = batch.nats()
        for row, window in enumerate(batch.windows):
            scored = window.scored_positions
            collector.update(batch.logits[row, scored], batch.targets[row, scored], nats[row, scored])
    alignments = iter_alignments(tokenizer, text, ids.data)
    return Surprise(
        text,
        tuple(collector.kept),
        beginning,
        context_length,
        tokenizer.lossless,
        _rest(text, collector, alignments, len(beginning)),
    )


class _TokenCollector:
    """Collect the surprisal of tokens in their order: the first `max_tokens` completely, the rest as sums."""

    def __init__(self, labels: tuple[str, ...], first: list[TokenSurprise], max_tokens: int, top_k: int) -> None:
        self._labels, self._top_k, self._max_tokens = labels, top_k, max_tokens
        self.kept, self._count = first, len(first)
        self.beyond: list[Nats] = []  # of the tokens after them
        self.worst: list[tuple[int, TokenSurprise]] = []  # of these, with their indices

    def update(self, logits: torch.Tensor, targets: torch.Tensor, nats: torch.Tensor) -> None:
        """Add the next tokens (N,), which the model predicted by `logits` (N, V)."""
        require_finite(nats)
        keep = min(len(targets), max(0, self._max_tokens - self._count))
        self.kept += self._tokens(logits[:keep], targets[:keep], nats[:keep])
        if keep < len(targets):
            self.beyond.append(nats[keep:].double().numpy())
            top = keep + nats[keep:].topk(min(WORST, len(targets) - keep)).indices
            found = zip((self._count + top).tolist(), self._tokens(logits[top], targets[top], nats[top]), strict=True)
            self.worst = nlargest(WORST, chain(self.worst, found), key=lambda cost: cost[1].nats)
        self._count += len(targets)

    def _tokens(self, logits: torch.Tensor, targets: torch.Tensor, nats: torch.Tensor) -> Iterator[TokenSurprise]:
        return map(
            TokenSurprise,
            [self._labels[i] for i in targets.tolist()],
            nats.double().tolist(),
            ranks(logits, targets),
            top_k_predictions(logits, self._labels, self._top_k),
        )


def _beginning(alignments: Iterator[Alignment], characters: int) -> tuple[Alignment, ...]:
    """Return the alignments within the first `characters` characters, but at least one token."""
    done, kept = 0, list[Alignment]()
    for alignment in alignments:
        done += len(alignment.text)
        if done > characters and kept and kept[-1].end:
            break
        kept.append(alignment)
    return tuple(kept)


def _rest(text: str, collector: _TokenCollector, alignments: Iterator[Alignment], kept: int) -> Rest:
    """Return the sums over the text after the first `kept` alignments, and its most surprising tokens."""
    surprising, dropped, done = dict(collector.worst), 0, 0
    worst = []
    for count, alignment in enumerate(alignments):
        if count >= kept:
            dropped += len(alignment.text) * alignment.dropped
            worst += [
                (_before(text, done), surprising[n]) for n in range(alignment.begin, alignment.end) if n in surprising
            ]
        done += len(alignment.text)
    nats = np.concatenate(collector.beyond) if collector.beyond else np.empty(0)
    return Rest(len(nats), math.fsum(nats), dropped, tuple(worst))


def _before(text: str, index: int) -> str:
    return text[max(0, index - _CONTEXT_CHARACTERS) : index]
