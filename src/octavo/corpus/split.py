"""Split a corpus into training, validation and test split.

These are three consecutive spans of the text, or sets of whole documents: validation and test documents are then
spread over the text and chosen by the seed, so that the order of the documents cannot make the splits differ in kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from random import Random
from typing import Literal, NamedTuple

from octavo.corpus.document import PER_FILE, Corpus
from octavo.corpus.lazy_text import LazyText, iter_text, iter_utf8
from octavo.errors import OctavoError
from octavo.system.terminal import quantity

HeldOut = Literal["auto", "documents", "end"]
MIN_SPREAD = 20  # documents from which on whole documents are held out
_MIN_DOCUMENTS = 3  # one for each split


@dataclass(frozen=True)
class CorpusSplit:
    """A part of the corpus: its documents, cut at the boundaries of a span; no segment is empty.

    `ends` counts the segments that end a document, if ends of documents are learned and scored: all, or all but the
    last one, which is cut. It is 0 if documents are files.
    """

    segments: tuple[str | LazyText, ...]
    ends: int = 0

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
    def characters_and_ends(self) -> int:
        """Length in Unicode code points, and one for each end of a document that is scored."""
        return self.characters + self.ends

    @property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(map(len, iter_utf8(self)))


class CorpusSplits(NamedTuple):
    """The three splits of a corpus."""

    train: CorpusSplit
    validation: CorpusSplit
    test: CorpusSplit


def split(
    corpus: Corpus, *, validation: float = 0.1, test: float = 0.0, held_out: HeldOut = "end", seed: int = 0
) -> CorpusSplits:
    """Split a corpus by characters.

    The end of the text is held out as it is: of n characters, train ends at floor(n * (1 - validation - test)) and
    validation at floor(n * (1 - test)). The fractions are exact decimals, so that no rounding moves a boundary: with
    0.1 and 0, train has the int(0.9 * n) characters that are usual for a 90/10 split.

    Or whole documents are held out, at least one and up to the fraction of the characters. They depend on the seed
    and on the order and lengths of the documents alone. Each split has its documents in the order of the corpus.

    Args:
        corpus: the documents.
        validation: fraction of the characters.
        test: fraction of the characters.
        held_out: "documents", "end", or "auto": documents if there are 20 or more.
        seed: chooses the documents.

    Raises:
        OctavoError: a fraction is out of range, the training or validation split has no text, or there are too few
            documents.
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

    if chooses_documents(corpus, held_out):
        splits = _split_documents(corpus, validation, test, seed)
    else:
        n = corpus.characters
        train_end, validation_end = split_boundaries(n, validation, test)
        borders = ((0, train_end), (train_end, validation_end), (validation_end, n))
        splits = CorpusSplits(*(split_range(corpus, *border) for border in borders))
    for name, part in (("train", splits.train), ("validation", splits.validation)):
        if not part.characters:
            raise OctavoError(
                f"the {name} split of {corpus.name} would be empty, as the text has only "
                f"{quantity(corpus.characters, 'character')}: give more text or other fractions"
            )
    # What training never sees is not scored.
    return splits if splits.train.ends else CorpusSplits(*(replace(part, ends=0) for part in splits))


def chooses_documents(corpus: Corpus, held_out: HeldOut) -> bool:
    """Return whether whole documents are held out.

    Raises:
        OctavoError: they are asked for, and there are too few.
    """
    count = len(corpus.documents)
    if held_out == "documents" and count < _MIN_DOCUMENTS:
        raise OctavoError(
            f"{corpus.name} has only {quantity(count, 'document')}, too few for data.held_out=documents: give a unit "
            "of documents such as documents=lines, or set data.held_out=end"
        )
    return held_out == "documents" or (held_out == "auto" and count >= MIN_SPREAD)


def _split_documents(corpus: Corpus, validation: float, test: float, seed: int) -> CorpusSplits:
    lengths = [len(document.text) for document in corpus.documents]
    order = _spread_order(len(lengths), validation, seed)
    chosen: list[set[int]] = []
    for fraction in (validation, test):
        chosen.append(_choose(order, lengths, corpus.characters, fraction) if fraction else set())
        order = [number for number in order if number not in chosen[-1]]
    parts = []
    for numbers in ({*order}, *chosen):
        segments = tuple(document.text for i, document in enumerate(corpus.documents) if i in numbers)
        parts.append(CorpusSplit(segments, 0 if corpus.document_unit == PER_FILE else len(segments)))
    return CorpusSplits(*parts)


def _spread_order(count: int, fraction: float, seed: int) -> list[int]:
    """Return the numbers of all documents in a random order whose beginning is spread over the corpus.

    The corpus is divided into blocks, as many as documents are to be held out. First comes one document of each
    block, then a second one, and so on.
    """
    random = Random(seed)
    draws = [random.random() for _ in range(count)]
    blocks = max(1, round(fraction * count))
    turns = [0] * count
    by_block = sorted(range(count), key=lambda i: (i * blocks // count, draws[i]))
    for _, members in groupby(by_block, key=lambda i: i * blocks // count):
        for turn, number in enumerate(members):
            turns[number] = turn
    return sorted(range(count), key=lambda i: (turns[i], draws[i]))


def _choose(order: Sequence[int], lengths: Sequence[int], characters: int, fraction: float) -> set[int]:
    """Return the first documents of `order` that fit into a fraction of the characters; the shortest if none fits.

    At most twice that fraction of the documents is taken, so that few long documents do not leave all short ones to
    this split.
    """
    left, chosen = int(characters * _exact_decimal(fraction)), set[int]()
    for number in order:
        if len(chosen) >= max(1, round(2 * fraction * len(lengths))):
            break
        if lengths[number] <= left:
            chosen.add(number)
            left -= lengths[number]
    return chosen or {min(order, key=lambda number: lengths[number])}


def split_boundaries(n: int, validation: float, test: float) -> tuple[int, int]:
    """Return where train and where validation end, of `n` characters or tokens."""
    held_out = _exact_decimal(validation) + _exact_decimal(test)
    return int(n * (1 - held_out)), int(n * (1 - _exact_decimal(test)))


def _exact_decimal(fraction: float) -> Fraction:
    """Return the decimal that `fraction` prints as: 0.1 is one tenth, not the nearest binary number."""
    return Fraction(repr(float(fraction)))


def split_range(corpus: Corpus, start: int, end: int) -> CorpusSplit:
    """Return the characters from `start` up to `end` of the concatenated documents."""
    segments, ends = [], 0
    for document in corpus.documents:
        if segment := document.text[max(start, 0) : max(end, 0)]:
            segments.append(segment)
            ends += end >= len(document.text)
        start -= len(document.text)
        end -= len(document.text)
    return CorpusSplit(tuple(segments), 0 if corpus.document_unit == PER_FILE else ends)
