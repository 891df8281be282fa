"""Surprise: how many bits each token of a text costs a model that reads it, and what it would rather have read.

The windows are those of octavo.evaluate.scoring, half a context apart, so a text's total is its score. Of a long text
the beginning is kept token by token; of the rest there are sums, and the tokens that cost most. N tokens.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate, chain

import numpy as np
import torch

from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.evaluate.scoring import Nats, scoring_batches
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

WORST = 8  # tokens that cost most, of all of the text
MAX_CHARACTERS = 10_000  # that are kept token by token: a page shows each of them as a button
_BEFORE = 40  # characters of what came before a token


@dataclass(frozen=True)
class TokenSurprise:
    """What one token cost, and what was likeliest in its place."""

    label: str
    nats: float
    rank: int | None  # 1: nothing was likelier; None: the model had not read anything, so it is charged by chance
    predictions: tuple[Prediction, ...]  # the likeliest first; none where the model had not read anything

    @property
    def bits(self) -> float:
        """The same in bits."""
        return self.nats / math.log(2)

    @property
    def probability(self) -> float:
        """How likely the token was to the model."""
        return math.exp(-self.nats)


@dataclass(frozen=True)
class Rest:
    """Sum up what was read after the part of a text that is kept token by token."""

    tokens: int = 0
    nats: float = 0.0
    dropped_characters: int = 0  # characters without a token
    worst: tuple[
        tuple[str, TokenSurprise], ...
    ] = ()  # the tokens that cost most, each after the characters before it


@dataclass(frozen=True)
class Surprise:
    """A text's surprise: of its beginning token by token, and by pieces of whole characters."""

    text: str
    tokens: tuple[TokenSurprise, ...]  # those of the pieces
    alignments: tuple[Alignment, ...]  # whose texts joined are the beginning of the text
    context_length: int  # of the windows, which are half of it apart
    lossless_tokenizer: bool  # False: characters without tokens cost nothing, so no figure compares with other models
    rest: Rest = Rest()

    def bits(self, piece: Alignment) -> float:
        """What a piece cost."""
        return sum(token.bits for token in self.tokens[piece.begin : piece.end])

    def bits_per_character_of(self, piece: Alignment) -> float:
        """What each character of a piece cost: a piece of several spreads its bits evenly over them, since a token
        comes as a whole."""
        return self.bits(piece) / len(piece.text)

    @property
    def omitted_characters(self) -> int:
        """Return how many characters come after the pieces."""
        return len(self.text) - sum(len(piece.text) for piece in self.alignments)

    @property
    def dropped_characters(self) -> int:
        """Return how many characters of the text no token stands for."""
        return sum(len(piece.text) for piece in self.alignments if piece.dropped) + self.rest.dropped_characters

    @property
    def token_count(self) -> int:
        """Return how many tokens the text has."""
        return len(self.tokens) + self.rest.tokens

    @property
    def total_nats(self) -> float:
        """What the text cost."""
        return math.fsum(token.nats for token in self.tokens) + self.rest.nats

    @property
    def total_bits(self) -> float:
        """The same in bits."""
        return self.total_nats / math.log(2)

    @property
    def bits_per_character(self) -> float:
        """The score: it compares with other models' if the tokenizer is lossless."""
        return self.total_bits / len(self.text)

    @property
    def nats_per_token(self) -> float:
        """The loss: it compares with that of models with the same tokenizer."""
        return self.total_nats / self.token_count

    @property
    def worst(self) -> list[tuple[str, TokenSurprise]]:
        """The tokens of the text that cost most, the costliest first, each after the last characters before its
        piece."""

        def kept() -> Iterator[tuple[str, TokenSurprise]]:
            ends = accumulate((len(piece.text) for piece in self.alignments), initial=0)
            for done, piece in zip(ends, self.alignments, strict=False):
                for token in self.tokens[piece.begin : piece.end]:
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
    most: int = TOP_K,
    watch: ProgressCallback = no_progress,
) -> Surprise:
    """Let a model read `text`; keep the tokens of its first `characters` characters (all), with the `most` likeliest
    tokens of each place.

    `watch` is told the share that is done. Without a start token nothing comes before the first token, which is
    charged as by chance, as in the score.

    Raises:
        OctavoError: the tokenizer has no token for anything in the text.
    """
    ids = read_ids(tokenizer, text)
    beginning = _beginning(
        iter_alignments(tokenizer, text, ids.data), len(text) if characters is None else characters
    )
    reading = _Reading(vocabulary_labels(tokenizer), beginning[-1].end, most)
    if tokenizer.bos_id is None:
        reading.charge_uniform(int(ids[0]), model.vocab_size)
    for batch in scoring_batches(
        model,
        [ids],
        bos_id=tokenizer.bos_id,
        context_length=context_length,
        watch=watch,
    ):
        nats = batch.nats()
        for row, window in enumerate(batch.windows):
            place = window.scored_positions
            reading.update(batch.logits[row, place], batch.targets[row, place], nats[row, place])
    pieces = iter_alignments(tokenizer, text, ids.data)
    return Surprise(
        text,
        tuple(reading.kept),
        beginning,
        context_length,
        tokenizer.lossless,
        _rest(text, reading, pieces, len(beginning)),
    )


class _Reading:
    """Keep what is needed of the tokens of a text while they are read in their order."""

    def __init__(self, labels: tuple[str, ...], kept: int, most: int) -> None:
        self._labels, self._most, self._to_keep = labels, most, kept
        self.kept: list[TokenSurprise] = []
        self.beyond: list[Nats] = []  # of all further tokens
        self.worst: list[tuple[int, TokenSurprise]] = []  # of these, with their numbers
        self._heard = 0

    def charge_uniform(self, token: int, vocab_size: int) -> None:
        """Take in the first token of a text that has no start token."""
        self.kept.append(TokenSurprise(self._labels[token], math.log(vocab_size), None, ()))
        self._heard = 1

    def update(self, logits: torch.Tensor, came: torch.Tensor, nats: torch.Tensor) -> None:
        """Take in the next tokens (N), before which the model said `logits` (N, V)."""
        require_finite(nats)
        keep = min(len(came), max(0, self._to_keep - self._heard))
        self.kept += self._tokens(logits[:keep], came[:keep], nats[:keep])
        if keep < len(came):
            self.beyond.append(nats[keep:].double().numpy())
            top = keep + nats[keep:].topk(min(WORST, len(came) - keep)).indices
            found = zip((self._heard + top).tolist(), self._tokens(logits[top], came[top], nats[top]), strict=True)
            self.worst = nlargest(WORST, chain(self.worst, found), key=lambda cost: cost[1].nats)
        self._heard += len(came)

    def _tokens(self, logits: torch.Tensor, came: torch.Tensor, nats: torch.Tensor) -> Iterator[TokenSurprise]:
        return map(
            TokenSurprise,
            [self._labels[i] for i in came.tolist()],
            nats.double().tolist(),
            ranks(logits, came),
            top_k_predictions(logits, self._labels, self._most),
        )


def _beginning(pieces: Iterator[Alignment], characters: int) -> tuple[Alignment, ...]:
    """Return the pieces within the first `characters` characters, but so many that there is a token."""
    done, found = 0, list[Alignment]()
    for piece in pieces:
        done += len(piece.text)
        if done > characters and found and found[-1].end:
            break
        found.append(piece)
    return tuple(found)


def _rest(text: str, reading: _Reading, pieces: Iterator[Alignment], kept: int) -> Rest:
    """Return the sums of what was read beyond the first `kept` pieces, and where its worst tokens stand."""
    places, dropped, done = dict(reading.worst), 0, 0
    worst = []
    for count, piece in enumerate(pieces):
        if count >= kept:
            dropped += len(piece.text) * piece.dropped
            worst += [(_before(text, done), places[n]) for n in range(piece.begin, piece.end) if n in places]
        done += len(piece.text)
    nats = np.concatenate(reading.beyond) if reading.beyond else np.empty(0)
    return Rest(len(nats), math.fsum(nats), dropped, tuple(worst))


def _before(text: str, place: int) -> str:
    return text[max(0, place - _BEFORE) : place]
