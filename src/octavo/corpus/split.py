"""Split a corpus into training, validation and test split: three consecutive spans of the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from octavo.corpus.document import Corpus
from octavo.corpus.lazy_text import LazyText, iter_text, iter_utf8
from octavo.errors import OctavoError


@dataclass(frozen=True)
class CorpusSplit:
    """A span of the corpus: its documents, cut at the boundaries of the span; no segment is empty."""

    segments: tuple[str | LazyText, ...]

    @property
    def text(self) -> str:
        """The segments joined, with nothing between them."""
        return "".join(self.iter_text())

    def iter_text(self) -> Iterator[str]:
        """Yield the text in chunks."""
        for segment in self.segments:
            yield from iter_text(segment)

    @property
    def characters(self) -> int:
        """Length in Unicode code points."""
        return sum(map(len, self.segments))

    @property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(map(len, iter_utf8(self)))


class CorpusSplits(NamedTuple):
    """The three splits of a corpus."""

    train: CorpusSplit
    validation: CorpusSplit
    test: CorpusSplit


def split(corpus: Corpus, *, validation: float = 0.1, test: float = 0.0) -> CorpusSplits:
    """Split the concatenated documents by characters: first train, then validation, then test.

    Of n characters, train ends at floor(n * (1 - validation - test)) and validation at floor(n * (1 - test)). The
    fractions are exact decimals, so that no rounding moves a boundary: with 0.1 and 0, train has the int(0.9 * n)
    characters that are usual for a 90/10 split.

    Raises:
        OctavoError: a fraction is out of range, or the training or validation split has no text.
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
                f"the {name} split of {corpus.name} would be empty, as the text has only {n} "
                f"{'character' if n == 1 else 'characters'}: give more text or other fractions"
            )
    return CorpusSplits(
        split_range(corpus, 0, train_end),
        split_range(corpus, train_end, validation_end),
        split_range(corpus, validation_end, n),
    )


def split_boundaries(n: int, validation: float, test: float) -> tuple[int, int]:
    """Return where train and where validation end, of `n` characters or tokens."""
    held_out = _exact_decimal(validation) + _exact_decimal(test)
    return int(n * (1 - held_out)), int(n * (1 - _exact_decimal(test)))


def _exact_decimal(fraction: float) -> Fraction:
    """Return the decimal that `fraction` prints as: 0.1 is one tenth, not the nearest binary number."""
    return Fraction(repr(float(fraction)))


def split_range(corpus: Corpus, start: int, end: int) -> CorpusSplit:
    """Return the characters from `start` up to `end` of the concatenated documents."""
    segments = []
    for document in corpus.documents:
        segments.append(document.text[max(start, 0) : max(end, 0)])
        start -= len(document.text)
        end -= len(document.text)
    return CorpusSplit(tuple(segment for segment in segments if segment))
