"""Find text that is verbatim in the training split: measure its fraction, and highlight it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.evaluate.kneser_ney import code_points
from octavo.evaluate.substring_match import BORDER, longest_shared, shared_windows
from octavo.tokenizer.chunking import chunks

SEQUENCE_WORDS = 8  # of a sequence; white space separates words
OVERLAP_LENGTH = 64  # characters: Tiny Shakespeare's validation split shares no such span with the training split
MIN_REPORTED = 0.01  # of a text, from which on its overlap with the training split is stated
MAX_SEARCHED = 20_000_000  # characters of training text: the last ones
MAX_QUERIED = 1_000_000  # characters of a text that is looked up: the first ones

HIGHLIGHT_LENGTH = 24  # characters: such spans are 0.4 % of Tiny Shakespeare's validation split, spans of 16 are 12 %
_MAX_COMPARED = 100_000  # characters of validation text that highlighted samples are compared with

_DOCUMENT_BREAK = "\n"  # replaces a border: no run crosses it
Spans = tuple[tuple[int, int], ...]
_Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class CopyStats:
    """The sequences and the longest run that some texts share with the training text."""

    texts: int
    characters: int
    longest_run: int  # characters of the longest copied run
    run: str  # its text
    sequences: int  # of 8 words in a row in the texts
    sequences_found: int  # of these, in the training text

    @property
    def fraction_found(self) -> float | None:
        """Return the fraction of the 8-word sequences that is copied; None: there is no sequence."""
        return self.sequences_found / self.sequences if self.sequences else None


@dataclass(frozen=True)
class TrainOverlap:
    """The characters of a text that are verbatim in the training split, in spans of `min_length` or more."""

    min_length: int
    characters: int  # looked up
    copied_characters: int  # of these, in such spans

    @property
    def fraction(self) -> float:
        """Return the copied fraction of the characters looked up."""
        return self.copied_characters / self.characters if self.characters else 0.0


def measure_copies(texts: Sequence[str], training: Sequence[str]) -> CopyStats:
    """Look texts up in the documents `training`; a run or sequence across two documents does not count."""
    length, start = longest_shared(_characters(training), _characters(texts))
    numbers: dict[str, int] = {}
    own = _words(texts, lambda word: numbers.setdefault(word, len(numbers)))
    windows = shared_windows(_words(training, lambda word: numbers.get(word, BORDER)), own, SEQUENCE_WORDS)
    return CopyStats(
        texts=len(texts),
        characters=sum(map(len, texts)),
        longest_run=length,
        run=_DOCUMENT_BREAK.join(texts)[start : start + length],
        sequences=sum(max(0, len(text.split()) - SEQUENCE_WORDS + 1) for text in texts),
        sequences_found=int(windows.in_text.sum()),
    )


def measure_overlap(texts: Sequence[str], training: Sequence[str]) -> TrainOverlap:
    """Measure how much of documents, at most their first MAX_QUERIED characters, is in the documents `training`.

    Spans of OVERLAP_LENGTH characters or more count; a shorter text must be there completely.
    """
    query = _characters(texts)[:MAX_QUERIED]
    length = max(1, min(OVERLAP_LENGTH, max(map(len, texts), default=0)))
    copied = _copied_symbols(_characters(training), query, length)
    return TrainOverlap(length, int((query != BORDER).sum()), int(copied.sum()))


def copied_spans(texts: Sequence[str], training: Sequence[str], min_length: int) -> list[Spans]:
    """Return for each text the spans (begin, end) that are in the documents `training`.

    Runs of `min_length` characters or more count. Runs that touch or overlap make one span, so a long span may
    consist of several runs.
    """
    copied = _copied_symbols(_characters(training), _characters(texts), min_length)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], copied, [0]]))).reshape(-1, 2)
    found: list[Spans] = []
    start = 0
    for text in texts:
        own = edges[(edges[:, 0] >= start) & (edges[:, 0] < start + len(text))] - start
        found.append(tuple((int(first), int(last)) for first, last in own))
        start += len(text) + 1  # with the border
    return found


def _copied_symbols(training: _Numbers, query: _Numbers, length: int) -> _Numbers:
    """Return 1 for each symbol of the query that lies in a window of `length` symbols of `training`, else 0."""
    begin = np.flatnonzero(shared_windows(training, query, length).in_text)
    changes = np.zeros(len(query) + 1, np.int32)
    changes[begin] += 1
    changes[begin + length] -= 1
    return (changes.cumsum()[:-1] > 0).astype(np.int32)


def _characters(texts: Sequence[str]) -> _Numbers:
    """Return code points, with a border between documents."""
    return _bordered([code_points(text).astype(np.int32) for text in texts])


def _words(texts: Sequence[str], number: Callable[[str], int]) -> _Numbers:
    """Return the numbers of words, with a border between documents."""
    return _bordered(
        [np.fromiter((number(word) for chunk in chunks(text) for word in chunk.split()), np.int32) for text in texts]
    )


def _bordered(documents: Sequence[_Numbers]) -> _Numbers:
    border = np.array([BORDER], np.int32)
    parts = [part for document in documents for part in (border, document)]
    return np.concatenate(parts[1:]) if parts else np.empty(0, np.int32)


@dataclass(frozen=True)
class HighlightedCopies:
    """Texts with the spans (begin, end) of each that are copied, of `min_length` characters or more.

    `fraction` of all their characters lies in such spans; `baseline` is that fraction of validation text.
    """

    texts: tuple[str, ...]
    spans: tuple[Spans, ...]
    min_length: int
    fraction: float
    baseline: float


def highlight_copies(texts: Sequence[str], held_out: Sequence[str], training: Sequence[str]) -> HighlightedCopies:
    """Look texts, and for comparison the beginning of the documents `held_out`, up in the documents `training`."""
    compared = list(_beginning(held_out, _MAX_COMPARED))
    spans = copied_spans([*texts, *compared], training, HIGHLIGHT_LENGTH)
    own, other = spans[: len(texts)], spans[len(texts) :]
    fractions = _copied_fraction(texts, own), _copied_fraction(compared, other)
    return HighlightedCopies(tuple(texts), tuple(own), HIGHLIGHT_LENGTH, *fractions)


def _beginning(texts: Sequence[str], characters: int) -> Sequence[str]:
    kept: list[str] = []
    for text in texts:
        kept.append(text[: characters - sum(map(len, kept))])
    return kept


def _copied_fraction(texts: Sequence[str], found: Sequence[Spans]) -> float:
    copied = sum(end - start for spans in found for start, end in spans)
    return copied / max(1, sum(map(len, texts)))
