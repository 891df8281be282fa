"""Interpolated Kneser-Ney smoothing with three discounts, exact, over any symbols: characters or tokens.

Chen & Goodman (1998), "An empirical study of smoothing techniques for language modeling", section 3. The longest
n-grams count how often they occur; a shorter one counts how many different symbols stand before it. A count of one,
two, three or more loses a discount, and what a context loses so goes to the next shorter context, in the end to the
uniform distribution. So each distribution sums to one and no symbol is impossible.

There is no loop over symbols: an n-gram is a number, the place of its pair (number of its first n - 1 symbols, last
symbol) among all such pairs in order, counted from 1. Number 0 is the beginning of a document, at any length.

A Kneser-Ney model over the characters of a text, as good as its order can be chosen from that text alone.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Symbols = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
OrderCallback = Callable[[int], None]  # told how long the n-grams are that were just counted
_Numbers = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

_UNSEEN = -1  # the number of an n-gram that training does not hold; as an index, the last
_USUAL_DISCOUNTS = (0.5, 1.0, 1.5)  # where there are too few n-grams to estimate them
_BLOCK = 1 << 20  # symbols scored at once, so that a long text needs little memory


def no_order(order: int) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class KneserNey:
    """The probability of each of `alphabet` symbols after those before it in its document, order - 1 at most."""

    alphabet: int
    levels: tuple["_Level", ...]  # by the length of their n-grams, from 1 on

    @property
    def order(self) -> int:
        """The length of the longest n-grams; 0: it learned from nothing, and all symbols are as likely."""
        return len(self.levels)

    @classmethod
    def fit(
        cls, documents: Sequence[Symbols], alphabet: int, order: int, level: OrderCallback = no_order
    ) -> "KneserNey":
        """Learn from documents of symbols 0 … alphabet - 1; `order` is 1 or more. `level` hears of every level."""
        model = cls(alphabet, ())
        for model in _of_each_order(documents, alphabet, order):
            level(model.order)
        return model

    def nats(self, documents: Sequence[Symbols]) -> Iterator[Floats]:
        """What each symbol of the documents costs, one after the other, a block of them at a time."""
        symbols, begins = _joined(documents)
        for start in range(0, len(symbols), _BLOCK):
            sight = max(0, start - max(self.order - 1, 0))  # read again, as the context of what comes
            block = slice(sight, start + _BLOCK)
            yield -np.log(self._probabilities(symbols[block], begins[block])[start - sight :])

    def _probabilities(self, symbols: Symbols, begins: _Flags) -> Floats:
        probabilities = np.full(len(symbols), 1 / self.alphabet)
        contexts = np.zeros(len(symbols), np.int64)
        for level in self.levels:
            own, numbers = level.look_up(contexts * self.alphabet + symbols)
            probabilities = own + level.left[contexts] * probabilities
            contexts = _contexts(numbers, begins)
        return probabilities


def best_order(
    documents: Sequence[Symbols],
    held_out: Sequence[Symbols],
    alphabet: int,
    most: int,
    level: OrderCallback = no_order,
) -> tuple[int, list[float]]:
    """The order that predicts `held_out`, which is not empty, best; and the nats per symbol of orders 1, 2, …

    A longer context is tried as long as it helps, up to order `most`. `level` hears of every one.
    """
    tried: list[float] = []
    for model in _of_each_order(documents, alphabet, most):
        level(model.order)
        tried.append(float(np.concatenate(list(model.nats(held_out))).mean()))
        if tried[-1] > min(tried):
            break
    return 1 + int(np.argmin(tried)), tried


@dataclass(frozen=True)
class _Level:
    """The n-grams of one length, by number, and the contexts that they begin with, by theirs."""

    pairs: _Numbers  # context * alphabet + symbol, in order: the n-gram of number i is at i - 1
    shares: Floats  # its discounted count among all counts of its context
    left: Floats  # what the discounts leave to the shorter context; 1 for a context never seen

    def look_up(self, pairs: _Numbers) -> tuple[Floats, _Numbers]:
        """Shares and numbers of n-grams; one that was never seen has no share."""
        places = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        seen = self.pairs[places] == pairs
        return np.where(seen, self.shares[places], 0.0), np.where(seen, places + 1, _UNSEEN)


@dataclass(frozen=True)
class _Grams:
    """The n-grams of one length that a text holds."""

    pairs: _Numbers  # as in a level
    numbers: _Numbers  # of the one that ends at each symbol of the text
    contexts: int  # how many there could be, the beginning of a document left out


def _of_each_order(documents: Sequence[Symbols], alphabet: int, most: int) -> Iterator[KneserNey]:
    """Models of order 1, 2, … `most`. They differ in their last level alone, where occurrences count."""
    symbols, begins = _joined(documents)
    if not len(symbols):
        yield KneserNey(alphabet, ())
        return
    levels: tuple[_Level, ...] = ()
    shorter: _Grams | None = None
    for _ in range(most):
        contexts = np.zeros(len(symbols), np.int64) if shorter is None else _contexts(shorter.numbers, begins)
        pairs, places, occurrences = np.unique(contexts * alphabet + symbols, return_inverse=True, return_counts=True)
        grams = _Grams(pairs, places + 1, 0 if shorter is None else len(shorter.pairs))
        if shorter is not None:
            levels = (*levels, _level(shorter, _symbols_before(shorter, grams), alphabet))
        yield KneserNey(alphabet, (*levels, _level(grams, occurrences, alphabet)))
        shorter = grams


def _symbols_before(shorter: _Grams, grams: _Grams) -> _Numbers:
    """How many different symbols (or the beginning of a document) stand before each of the shorter n-grams."""
    endings = np.empty(len(grams.pairs), np.int64)  # the shorter n-gram that each n-gram ends with
    endings[grams.numbers - 1] = shorter.numbers - 1
    return np.bincount(endings, minlength=len(shorter.pairs))


def _level(grams: _Grams, counts: _Numbers, alphabet: int) -> _Level:
    contexts = grams.pairs // alphabet
    taken = _discounts(counts)[np.minimum(counts, 3)]
    size = grams.contexts + 2  # number 0, and one more at the end, which _UNSEEN finds
    totals = np.bincount(contexts, weights=counts, minlength=size)
    lost = np.bincount(contexts, weights=taken, minlength=size)
    left = np.where(totals > 0, lost / np.maximum(totals, 1), 1.0)
    return _Level(grams.pairs, (counts - taken) / totals[contexts], left)


def _discounts(counts: _Numbers) -> Floats:
    """What a count of 0, 1, 2, 3 or more loses (Chen & Goodman, equation 17), never more than it has.

    Where n-grams are too few or too odd for the estimate, the usual discounts take its place.
    """
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        estimate = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < discount <= count for count, discount in enumerate(estimate, 1)):
            return np.array([0.0, *estimate])
    return np.array([0.0, *_USUAL_DISCOUNTS])


def _joined(documents: Sequence[Symbols]) -> tuple[Symbols, _Flags]:
    """All symbols, and which of them begin a document."""
    lengths = [len(document) for document in documents if len(document)]
    symbols: Symbols = np.concatenate([np.empty(0, np.uint16), *documents])
    begins = np.zeros(len(symbols), np.bool_)
    begins[np.cumsum([0, *lengths])[:-1]] = True
    return symbols, begins


def _contexts(numbers: _Numbers, begins: _Flags) -> _Numbers:
    """For each symbol the number of the n-gram before it; 0 where a document begins."""
    contexts = np.zeros(len(numbers), np.int64)
    contexts[1:] = numbers[:-1]
    contexts[begins] = 0
    return contexts


MAX_ORDER = 10  # characters: beyond, running text gains nothing
_SLICE = 200_000  # characters at most on which the order is chosen: the order wants no more, and time does
_CHARACTERS_OF_UNICODE = 0x110000 - 0x800  # code points less surrogates

CodePoints = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class CharacterNgrams:
    """Predicts each character of a text from those before it in its document.

    The model's last symbol stands for any other character; such a one costs what the symbol does and, as it could
    be any that training does not hold, ln of their number: so the costs are those of a code for any text.
    """

    alphabet: CodePoints  # in order; the model's symbols are places in it
    model: KneserNey

    @classmethod
    def fit(cls, texts: Sequence[str], level: OrderCallback = no_order, *, order: int = 0) -> "CharacterNgrams":
        """Choose the order on the last tenth of the documents `texts`, unless it is given, then learn from all.

        `level` hears of every length of n-grams that was counted, first for the choice, then for the model.
        """
        codes = [code_points(text) for text in texts]
        alphabet = np.unique(np.concatenate([np.empty(0, np.uint32), *codes]))
        documents = [_symbols(document, alphabet) for document in codes]
        symbols = len(alphabet) + 1
        if not order:
            characters = sum(map(len, documents))
            learned, held_out = _cut(documents, characters - min(characters // 10, _SLICE))
            order = best_order(learned, held_out, symbols, MAX_ORDER, level)[0] if held_out else 1
        return cls(alphabet, KneserNey.fit(documents, symbols, order, level))

    def nats(self, texts: Sequence[str]) -> Iterator[Floats]:
        """What each character of the documents costs, one after the other, a block of them at a time."""
        documents = [_symbols(code_points(text), self.alphabet) for text in texts]
        symbols = np.concatenate([np.empty(0, np.uint32), *documents])
        for block in self.model.nats(documents):
            other, symbols = symbols[: len(block)] == len(self.alphabet), symbols[len(block) :]
            yield block + other * math.log(_CHARACTERS_OF_UNICODE - len(self.alphabet))


def code_points(text: str) -> CodePoints:
    """The numbers of a text's characters."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _symbols(codes: CodePoints, alphabet: CodePoints) -> Symbols:
    """Places in the alphabet; its length for a character that it does not hold."""
    if not len(alphabet):
        return np.zeros(len(codes), np.uint32)
    places = np.minimum(np.searchsorted(alphabet, codes), len(alphabet) - 1)
    return np.where(alphabet[places] == codes, places, len(alphabet)).astype(np.uint32)


def _cut(documents: Sequence[Symbols], characters: int) -> tuple[list[Symbols], list[Symbols]]:
    """The documents up to so many characters, and what comes after; a document in between is cut."""
    before, after = [], []
    for document in documents:
        before.append(document[:characters])
        after.append(document[characters:])
        characters = max(0, characters - len(document))
    return [d for d in before if len(d)], [d for d in after if len(d)]
