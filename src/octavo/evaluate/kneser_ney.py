"""Interpolated Kneser-Ney smoothing with three discounts, exact, over any symbols: characters or tokens.

Chen & Goodman (1998), "An empirical study of smoothing techniques for language modeling", section 3. The longest
n-grams are counted by their occurrences; a shorter one by the number of different symbols before it. A count of one,
two, or three and more loses a discount. The mass that a context loses goes to the next shorter context, and in the
end to the uniform distribution. So each distribution sums to one and no symbol is impossible.

There is no loop over symbols. Each n-gram has a number: the index of its pair (number of its first n - 1 symbols,
last symbol) among all such pairs in order, counted from 1. Number 0 is the beginning of a document, at any length.

:class:`CharacterNgrams` is such a model over characters; it chooses its order on the text that it learns from.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Symbols = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
OrderCallback = Callable[[int], None]  # is called with each order whose n-grams are counted
_Numbers = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

_UNSEEN = -1  # the number of an n-gram that is not in the training text; as an index, the last one
_DEFAULT_DISCOUNTS = (0.5, 1.0, 1.5)  # where there are too few n-grams to estimate them
_BLOCK = 1 << 20  # symbols scored at once, so that a long text needs little memory


def no_order(order: int) -> None:
    """Ignore an order."""


@dataclass(frozen=True)
class KneserNey:
    """A model of `alphabet` symbols, each predicted from up to order - 1 symbols before it in its document."""

    alphabet: int
    levels: tuple["_Level", ...]  # of n-grams of length 1, 2, …

    @property
    def order(self) -> int:
        """Return the length of the longest n-grams; 0: the model is uniform, because it learned from no symbol."""
        return len(self.levels)

    @classmethod
    def fit(
        cls, documents: Sequence[Symbols], alphabet: int, order: int, on_order: OrderCallback = no_order
    ) -> "KneserNey":
        """Learn from documents of symbols 0 … alphabet - 1, up to `order`, 1 or more."""
        model = cls(alphabet, ())
        for model in _models_of_each_order(documents, alphabet, order):
            on_order(model.order)
        return model

    def nats(self, documents: Sequence[Symbols]) -> Iterator[Floats]:
        """Yield the loss of each symbol of the documents in nats, in their order, a block of symbols at a time."""
        symbols, begins = _joined(documents)
        for start in range(0, len(symbols), _BLOCK):
            context = max(0, start - max(self.order - 1, 0))  # where the context of the block begins
            block = slice(context, start + _BLOCK)
            yield -np.log(self._probabilities(symbols[block], begins[block])[start - context :])

    def _probabilities(self, symbols: Symbols, begins: _Flags) -> Floats:
        probabilities = np.full(len(symbols), 1 / self.alphabet)
        contexts = np.zeros(len(symbols), np.int64)
        for level in self.levels:
            own, numbers = level.look_up(contexts * self.alphabet + symbols)
            probabilities = own + level.backoff[contexts] * probabilities
            contexts = _contexts(numbers, begins)
        return probabilities


def best_order(
    documents: Sequence[Symbols],
    held_out: Sequence[Symbols],
    alphabet: int,
    max_order: int,
    on_order: OrderCallback = no_order,
) -> tuple[int, list[float]]:
    """Choose the order that predicts `held_out` best.

    Args:
        documents: the documents to learn from.
        held_out: the documents to predict, with one symbol or more.
        alphabet: number of symbols.
        max_order: the highest order. A higher order is tried as long as it lowers the loss.
        on_order: is called with each order.

    Returns:
        The order, and the nats per symbol of orders 1, 2, …
    """
    losses: list[float] = []
    for model in _models_of_each_order(documents, alphabet, max_order):
        on_order(model.order)
        losses.append(float(np.concatenate(list(model.nats(held_out))).mean()))
        if losses[-1] > min(losses):
            break
    return 1 + int(np.argmin(losses)), losses


@dataclass(frozen=True)
class _Level:
    """The n-grams of one length, by their number, and their contexts, by the number of the context."""

    pairs: _Numbers  # context * alphabet + symbol, in order: the n-gram of number i has index i - 1
    probabilities: Floats  # the discounted count divided by all counts of the context
    backoff: Floats  # the mass that the discounts give to the shorter context; 1 for an unseen context

    def look_up(self, pairs: _Numbers) -> tuple[Floats, _Numbers]:
        """Return the probabilities and numbers of n-grams; the probability of an unseen one is 0."""
        indices = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        seen = self.pairs[indices] == pairs
        return np.where(seen, self.probabilities[indices], 0.0), np.where(seen, indices + 1, _UNSEEN)


@dataclass(frozen=True)
class _Grams:
    """The n-grams of one length in a text."""

    pairs: _Numbers  # as in _Level
    numbers: _Numbers  # of the n-gram that ends at each symbol of the text
    contexts: int  # number of possible contexts without the beginning of a document


def _models_of_each_order(documents: Sequence[Symbols], alphabet: int, max_order: int) -> Iterator[KneserNey]:
    """Yield the models of order 1 to `max_order`, which differ in their last level, where occurrences count."""
    symbols, begins = _joined(documents)
    if not len(symbols):
        yield KneserNey(alphabet, ())
        return
    levels: tuple[_Level, ...] = ()
    shorter: _Grams | None = None
    for _ in range(max_order):
        contexts = np.zeros(len(symbols), np.int64) if shorter is None else _contexts(shorter.numbers, begins)
        pairs, indices, occurrences = np.unique(
            contexts * alphabet + symbols, return_inverse=True, return_counts=True
        )
        grams = _Grams(pairs, indices + 1, 0 if shorter is None else len(shorter.pairs))
        if shorter is not None:
            levels = (*levels, _level(shorter, _symbols_before(shorter, grams), alphabet))
        yield KneserNey(alphabet, (*levels, _level(grams, occurrences, alphabet)))
        shorter = grams


def _symbols_before(shorter: _Grams, grams: _Grams) -> _Numbers:
    """Count the different symbols (or the beginning of a document) before each of the shorter n-grams."""
    endings = np.empty(len(grams.pairs), np.int64)  # the shorter n-gram at the end of each n-gram
    endings[grams.numbers - 1] = shorter.numbers - 1
    return np.bincount(endings, minlength=len(shorter.pairs))


def _level(grams: _Grams, counts: _Numbers, alphabet: int) -> _Level:
    contexts = grams.pairs // alphabet
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    size = grams.contexts + 2  # with number 0, and a last entry, which the index _UNSEEN selects
    totals = np.bincount(contexts, weights=counts, minlength=size)
    lost = np.bincount(contexts, weights=discounts, minlength=size)
    backoff = np.where(totals > 0, lost / np.maximum(totals, 1), 1.0)
    return _Level(grams.pairs, (counts - discounts) / totals[contexts], backoff)


def _discounts(counts: _Numbers) -> Floats:
    """Return the discounts of the counts 0, 1, 2, and 3 or more (Chen & Goodman, equation 17).

    Where the n-grams are too few for the estimate, or a discount would exceed its count, return the default.
    """
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        estimate = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < discount <= count for count, discount in enumerate(estimate, 1)):
            return np.array([0.0, *estimate])
    return np.array([0.0, *_DEFAULT_DISCOUNTS])


def _joined(documents: Sequence[Symbols]) -> tuple[Symbols, _Flags]:
    """Return the symbols of all documents, (N,), and a mask of those that begin a document, (N,)."""
    lengths = [len(document) for document in documents if len(document)]
    symbols: Symbols = np.concatenate([np.empty(0, np.uint16), *documents])
    begins = np.zeros(len(symbols), np.bool_)
    begins[np.cumsum([0, *lengths])[:-1]] = True
    return symbols, begins


def _contexts(numbers: _Numbers, begins: _Flags) -> _Numbers:
    """Return the number of the n-gram before each symbol, (N,); 0 where a document begins."""
    contexts = np.zeros(len(numbers), np.int64)
    contexts[1:] = numbers[:-1]
    contexts[begins] = 0
    return contexts


MAX_ORDER = 10  # characters: a higher order does not improve prose
_MAX_HELD_OUT = 200_000  # characters on which the order is chosen: more do not change the choice
_UNICODE_CHARACTERS = 0x110000 - 0x800  # code points without surrogates

CodePoints = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class CharacterNgrams:
    """A model that predicts each character of a text from the characters before it in its document.

    The model's last symbol stands for all characters that are not in the training text. The loss of such a character
    is that of the symbol plus ln of their number, so the losses are those of a code for any text.
    """

    alphabet: CodePoints  # in order; the model's symbols are indices into it
    model: KneserNey

    @classmethod
    def fit(cls, texts: Sequence[str], on_order: OrderCallback = no_order, *, order: int = 0) -> "CharacterNgrams":
        """Choose the order on the last tenth of the documents, then learn from all of them.

        Args:
            texts: the documents.
            on_order: is called with each order that is counted, first for the choice, then for the model.
            order: the order; 0: choose it.
        """
        codes = [code_points(text) for text in texts]
        alphabet = np.unique(np.concatenate([np.empty(0, np.uint32), *codes]))
        documents = [_symbols(document, alphabet) for document in codes]
        symbols = len(alphabet) + 1
        if not order:
            characters = sum(map(len, documents))
            learned, held_out = _split(documents, characters - min(characters // 10, _MAX_HELD_OUT))
            order = best_order(learned, held_out, symbols, MAX_ORDER, on_order)[0] if held_out else 1
        return cls(alphabet, KneserNey.fit(documents, symbols, order, on_order))

    def nats(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield the loss of each character of the documents in nats, in their order, a block at a time."""
        documents = [_symbols(code_points(text), self.alphabet) for text in texts]
        symbols = np.concatenate([np.empty(0, np.uint32), *documents])
        for block in self.model.nats(documents):
            other, symbols = symbols[: len(block)] == len(self.alphabet), symbols[len(block) :]
            yield block + other * math.log(_UNICODE_CHARACTERS - len(self.alphabet))


def code_points(text: str) -> CodePoints:
    """Return the code points of a text, (N,)."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _symbols(codes: CodePoints, alphabet: CodePoints) -> Symbols:
    """Return the index of each character in the alphabet; for a character outside it, the alphabet's length."""
    if not len(alphabet):
        return np.zeros(len(codes), np.uint32)
    indices = np.minimum(np.searchsorted(alphabet, codes), len(alphabet) - 1)
    return np.where(alphabet[indices] == codes, indices, len(alphabet)).astype(np.uint32)


def _split(documents: Sequence[Symbols], characters: int) -> tuple[list[Symbols], list[Symbols]]:
    """Split the documents after `characters` characters; the document at that point is divided."""
    before, after = [], []
    for document in documents:
        before.append(document[:characters])
        after.append(document[characters:])
        characters = max(0, characters - len(document))
    return [d for d in before if len(d)], [d for d in after if len(d)]
