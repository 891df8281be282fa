"""A Kneser-Ney model over the characters of a text, as good as its order can be chosen from that text alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.evaluate.kneser_ney import Floats, KneserNey, Level, Symbols, best_order, unwatched

LONGEST = 10  # characters: beyond, running text gains nothing
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
    def fit(cls, texts: Sequence[str], level: Level = unwatched, *, order: int = 0) -> "CharacterNgrams":
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
            order = best_order(learned, held_out, symbols, LONGEST, level)[0] if held_out else 1
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
