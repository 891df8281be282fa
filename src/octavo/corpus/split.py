"""Training, validation and test text: three stretches of the corpus, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from octavo.corpus.document import Corpus
from octavo.corpus.lazy_text import LazyText, iter_text
from octavo.errors import OctavoError


@dataclass(frozen=True)
class CorpusSplit:
    """A stretch of the corpus: documents, whole or cut by a border of the part; no segment is empty."""

    segments: tuple[str | LazyText, ...]

    @property
    def text(self) -> str:
        """The segments joined, with nothing between them."""
        return "".join(self.iter_text())

    def iter_text(self) -> Iterator[str]:
        """The same, a piece at a time."""
        for segment in self.segments:
            yield from iter_text(segment)

    @property
    def characters(self) -> int:
        """Length in Unicode code points."""
        return sum(map(len, self.segments))

    @property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(len(piece.encode("utf-8")) for piece in self.iter_text())


class CorpusSplits(NamedTuple):
    train: CorpusSplit
    validation: CorpusSplit
    test: CorpusSplit


def split(corpus: Corpus, *, validation: float = 0.1, test: float = 0.0) -> CorpusSplits:
    """Cut the concatenated documents by characters: first train, then validation, then test.

    With n characters, train ends at floor(n * (1 - validation - test)) and validation at
    floor(n * (1 - test)). The fractions count as the decimals they are written as, so no float rounding moves
    a border; with test 0 train has the int(0.9 * n) characters usual for a 90/10 split. Raises OctavoError
    for fractions out of range and for a train or validation part without text.
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:  # also refuses NaN
            raise OctavoError(f"the {name} fraction is {fraction}: choose one from 0 up to, not including, 1")
    if _exact_decimal(validation) + _exact_decimal(test) >= 1:
        raise OctavoError(
            f"the fractions validation {validation} and test {test} leave nothing to train on: "
            "choose fractions with a sum below 1"
        )
    if validation == 0:
        raise OctavoError("the validation fraction is 0: choose one above 0, such as 0.1")

    n = corpus.characters
    train_end, validation_end = split_boundaries(n, validation, test)
    for name, characters in (("train", train_end), ("validation", validation_end - train_end)):
        if characters == 0:
            raise OctavoError(
                f"the {name} part of {corpus.name} would be empty, as the text has only {n} "
                f"{'character' if n == 1 else 'characters'}: give more text or other fractions"
            )
    return CorpusSplits(
        split_range(corpus, 0, train_end),
        split_range(corpus, train_end, validation_end),
        split_range(corpus, validation_end, n),
    )


def split_boundaries(n: int, validation: float, test: float) -> tuple[int, int]:
    """Where, of `n` characters or tokens, train ends and where validation ends."""
    held_out = _exact_decimal(validation) + _exact_decimal(test)
    return int(n * (1 - held_out)), int(n * (1 - _exact_decimal(test)))


def _exact_decimal(fraction: float) -> Fraction:
    """The decimal that `fraction` prints as: 0.1 is one tenth, not the binary number nearest to it."""
    return Fraction(repr(float(fraction)))


def split_range(corpus: Corpus, start: int, end: int) -> CorpusSplit:
    """The characters from `start` up to `end` of the concatenated documents."""
    segments = []
    for document in corpus.documents:
        segments.append(document.text[max(start, 0) : max(end, 0)])
        start -= len(document.text)
        end -= len(document.text)
    return CorpusSplit(tuple(segment for segment in segments if segment))
