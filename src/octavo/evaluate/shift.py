"""Measure the distribution shift between the training split and the validation split, without the run's model.

A character trigram model learns from every other block of the training split. Its loss on the blocks between is
compared with its loss on blocks of the validation split. The two are about equal if the splits are alike. They differ
in a sorted list, or in a text whose second half is in another language. On Tiny Shakespeare, whose splits are
different plays, the validation split costs 5 % more.
"""

import math
from dataclasses import dataclass

import numpy as np

from octavo.data.token_files import TokenSplit
from octavo.evaluate.kneser_ney import CharacterNgrams
from octavo.evaluate.scoring import Nats
from octavo.system.statistics import ratio_standard_error
from octavo.tokenizer import Tokenizer

_ORDER = 3  # longer n-grams also measure the distance between two spans of any text
_BLOCK = 512  # tokens
_MAX_BLOCKS = 200  # of the validation split; twice as many of the training split: about a second
_MIN_BLOCKS = 8  # of the validation split
_MIN_BLOCK = 16  # tokens


@dataclass(frozen=True)
class Shift:
    """The losses of a trigram model of training text on other text, in nats per character."""

    train: float
    held_out: float
    standard_error: float  # of their difference

    @property
    def excess(self) -> float:
        """Return the additional loss on validation text, as a fraction of the loss on training text."""
        return (self.held_out - self.train) / self.train if self.train else 0.0


def measure_shift(train: TokenSplit, held_out: TokenSplit, tokenizer: Tokenizer) -> Shift | None:
    """Compare evenly spread blocks of both splits; None: the text is too short."""
    size = min(_BLOCK, len(held_out.ids) // _MIN_BLOCKS, len(train.ids) // (2 * _MIN_BLOCKS))
    if size < _MIN_BLOCK:
        return None
    blocks = _blocks(train, tokenizer, size, 2 * _MAX_BLOCKS)
    others = _blocks(held_out, tokenizer, size, _MAX_BLOCKS)
    if min(len(blocks[1::2]), len(others)) < _MIN_BLOCKS:
        return None
    model = CharacterNgrams.fit(blocks[0::2], order=_ORDER)
    (own, own_error), (other, other_error) = _cost(model, blocks[1::2]), _cost(model, others)
    return Shift(own, other, math.hypot(own_error, other_error))


def _blocks(split: TokenSplit, tokenizer: Tokenizer, size: int, max_blocks: int) -> list[str]:
    """Return at most `max_blocks` decoded blocks of `size` tokens, evenly spread; without empty ones."""
    table, count = tokenizer.token_bytes(), len(split.ids) // size
    starts = np.linspace(0, count - 1, min(count, max_blocks)).astype(np.int64) * size
    found = (b"".join([table[i] for i in split.ids[start : start + size].tolist()]) for start in starts)
    return [text for block in found if (text := block.decode("utf-8", errors="replace"))]


def _cost(model: CharacterNgrams, blocks: list[str]) -> tuple[float, float]:
    """Return nats per character and its standard error, from blocks."""
    nats: Nats = np.concatenate(list(model.nats(blocks)))
    lengths = np.array([len(block) for block in blocks])
    sums = np.add.reduceat(nats, lengths.cumsum() - lengths)
    mean = float(sums.sum() / lengths.sum())
    return mean, ratio_standard_error(sums, lengths, mean)
