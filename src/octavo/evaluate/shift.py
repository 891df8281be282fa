"""Distribution shift: a measure of how much the held-out text differs from the training text, without the model.

A trigram model of characters learns from every other block of the training part. What the blocks between cost it is
compared with what blocks of the held-out part cost it. In a text whose parts are alike the two are about equal; in a
sorted list, or a text whose second half is in another language, they are not. On Tiny Shakespeare, whose parts are
different plays, the held-out part costs 6 % more.
"""

import math
from dataclasses import dataclass

import numpy as np

from octavo.data import TokenSplit
from octavo.evaluate.kneser_ney import CharacterNgrams
from octavo.evaluate.scoring import Nats
from octavo.tokenizer import Tokenizer

_ORDER = 3  # longer n-grams tell nearby text from text farther away, of which every text has some
_BLOCK = 512  # tokens
_BLOCKS = 200  # of the held-out part at most, and twice as many of the training part: so it takes about a second
_FEWEST = 8  # blocks of the held-out part
_SHORTEST = 16  # tokens of a block


@dataclass(frozen=True)
class Shift:
    """Hold what text costs a trigram model of other training text, in nats per character."""

    train: float
    held_out: float
    standard_error: float  # of their difference

    @property
    def excess(self) -> float:
        """Return how much more the held-out text costs, as a share of what the training text costs."""
        return (self.held_out - self.train) / self.train if self.train else 0.0


def measure_shift(train: TokenSplit, held_out: TokenSplit, tokenizer: Tokenizer) -> Shift | None:
    """Compare blocks of both parts, spread evenly over them; None: the text is too short."""
    size = min(_BLOCK, len(held_out.ids) // _FEWEST, len(train.ids) // (2 * _FEWEST))
    if size < _SHORTEST:
        return None
    blocks = _blocks(train, tokenizer, size, 2 * _BLOCKS)
    others = _blocks(held_out, tokenizer, size, _BLOCKS)
    if min(len(blocks[1::2]), len(others)) < _FEWEST:
        return None
    model = CharacterNgrams.fit(blocks[0::2], order=_ORDER)
    (own, own_error), (other, other_error) = _cost(model, blocks[1::2]), _cost(model, others)
    return Shift(own, other, math.hypot(own_error, other_error))


def _blocks(part: TokenSplit, tokenizer: Tokenizer, size: int, most: int) -> list[str]:
    """Return at most so many blocks of `size` tokens as the tokens tell them, those of no character left out."""
    pieces, count = tokenizer.token_bytes(), len(part.ids) // size
    places = np.linspace(0, count - 1, min(count, most)).astype(np.int64) * size
    found = (b"".join([pieces[i] for i in part.ids[at : at + size].tolist()]) for at in places)
    return [text for block in found if (text := block.decode("utf-8", errors="replace"))]


def _cost(model: CharacterNgrams, blocks: list[str]) -> tuple[float, float]:
    """Return nats per character and its standard error, from blocks (a ratio estimate; Cochran, 1977, chapter 6)."""
    nats: Nats = np.concatenate(list(model.nats(blocks)))
    lengths = np.array([len(block) for block in blocks])
    sums = np.add.reduceat(nats, lengths.cumsum() - lengths)
    mean, n = float(sums.sum() / lengths.sum()), len(blocks)
    residuals = sums - mean * lengths
    return mean, math.sqrt(n / (n - 1) * float((residuals**2).sum())) / int(lengths.sum())
