"""Surprise: how many bits each token of a text costs a model that reads it, and what it would rather have read.

The windows are those of octavo.evaluate.scoring, half a context apart, so a text's total is its score.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate

import numpy as np
import torch

from octavo.evaluate.scoring import Watch, batches, unwatched
from octavo.interpret.guesses import GUESSES, Guess, likeliest, ranks, vocabulary_labels
from octavo.interpret.passage import read_passage
from octavo.interpret.pieces import Piece, pieces_of
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

_BEFORE = 40  # characters of what came before a token
_BATCH = 16  # windows at once: sorting out the likeliest tokens of each place takes memory


@dataclass(frozen=True)
class TokenSurprise:
    """What one token cost, and what was likeliest in its place."""

    label: str
    nats: float
    rank: int | None  # 1: nothing was likelier; None: the model had not read anything, so it is charged by chance
    guesses: tuple[Guess, ...]  # the likeliest first; none where the model had not read anything

    @property
    def bits(self) -> float:
        """The same in bits."""
        return self.nats / math.log(2)

    @property
    def probability(self) -> float:
        """How likely the token was to the model."""
        return math.exp(-self.nats)


@dataclass(frozen=True)
class Surprise:
    """A text's surprise, token by token, and by pieces of whole characters whose texts joined are the text."""

    text: str
    tokens: tuple[TokenSurprise, ...]
    pieces: tuple[Piece, ...]
    context_length: int  # of the windows, which are half of it apart
    lossless_tokenizer: bool  # False: characters without tokens cost nothing, so no figure compares with other models

    def bits(self, piece: Piece) -> float:
        """What a piece cost."""
        return sum(token.bits for token in self.tokens[piece.begin : piece.end])

    def bits_per_character_of(self, piece: Piece) -> float:
        """What each character of a piece cost: a piece of several spreads its bits evenly over them, since a token
        comes as a whole."""
        return self.bits(piece) / len(piece.text)

    def beginning(self, characters: int) -> tuple[Piece, ...]:
        """The pieces within the first `characters` characters, at least one."""
        ends = accumulate(len(piece.text) for piece in self.pieces)
        return self.pieces[: max(1, sum(end <= characters for end in ends))]

    @property
    def total_bits(self) -> float:
        """What the text cost."""
        return math.fsum(token.bits for token in self.tokens)

    @property
    def bits_per_character(self) -> float:
        """The score: it compares with other models' if the tokenizer is lossless."""
        return self.total_bits / len(self.text)

    @property
    def nats_per_token(self) -> float:
        """The loss: it compares with that of models with the same tokenizer."""
        return math.fsum(token.nats for token in self.tokens) / len(self.tokens)

    def worst(self, most: int) -> list[tuple[str, TokenSurprise]]:
        """The `most` tokens that cost most, the costliest first, each after the last characters before its piece."""

        def costs() -> Iterator[tuple[int, TokenSurprise]]:
            done = 0
            for piece in self.pieces:
                for token in self.tokens[piece.begin : piece.end]:
                    if token.rank is not None:
                        yield done, token
                done += len(piece.text)

        worst = nlargest(most, costs(), key=lambda cost: cost[1].nats)
        return [(self.text[max(0, done - _BEFORE) : done], token) for done, token in worst]


def read_surprise(
    model: Transformer,
    tokenizer: Tokenizer,
    text: str,
    *,
    context_length: int,
    most: int = GUESSES,
    watch: Watch = unwatched,
) -> Surprise:
    """Let a model read `text`; keep the `most` likeliest tokens of each place.

    `watch` is told the share that is done. Without a start token nothing comes before the first token, which is
    charged as by chance, as in the score.

    Raises:
        OctavoError: the tokenizer has no token for anything in the text.
    """
    ids = read_passage(tokenizer, text).text_ids
    labels = vocabulary_labels(tokenizer)
    by_chance = TokenSurprise(labels[ids[0]], math.log(model.vocab_size), None, ())
    tokens = [] if tokenizer.start_id is not None else [by_chance]
    for batch in batches(
        model,
        [np.array(ids)],
        start_id=tokenizer.start_id,
        context_length=context_length,
        stride=max(1, context_length // 2),
        batch_size=_BATCH,
        watch=watch,
    ):
        counted = [(row, window.counted) for row, window in enumerate(batch.windows)]
        nats = batch.nats().double()
        logits, came, costs = (
            torch.cat([of[place] for place in counted]) for of in (batch.logits, batch.targets, nats)
        )
        tokens += map(
            TokenSurprise,
            [labels[i] for i in came.tolist()],
            costs.tolist(),
            ranks(logits, came),
            likeliest(logits, labels, most),
        )
    pieces = pieces_of(tokenizer, text, ids)
    return Surprise(text, tuple(tokens), pieces, context_length, tokenizer.lossless)
