"""What of a text stands word for word in the training part.

Texts with what of them stands in the training text, beside how much of other text does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from octavo.evaluate.kneser_ney import code_points
from octavo.evaluate.substring_match import BORDER, longest_shared, shared_windows
from octavo.tokenizer.chunking import chunks

SEQUENCE_WORDS = 8  # of a sequence; words are what white space separates
OVERLAP_LENGTH = 64  # characters: on Tiny Shakespeare no stretch of held-out text that long stands in the rest
MAX_SEARCHED = 20_000_000  # characters of training text at most: the last ones
MAX_QUERIED = 1_000_000  # characters at most of a text that is looked up there: the first ones

_BETWEEN = "\n"  # takes the place of a border: no run reaches over it
_Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class CopyStats:
    """What of some texts stands in training text."""

    texts: int
    characters: int
    longest_run: int  # characters of the longest run that stands there
    run: str  # that run
    sequences: int  # of 8 words in a row that the texts have
    sequences_found: int  # of these, how many stand there

    @property
    def fraction_found(self) -> float | None:
        """Share of the 8-word sequences that stand there; None: there is none."""
        return self.sequences_found / self.sequences if self.sequences else None


@dataclass(frozen=True)
class TrainOverlap:
    """How much of a text stands in the training part in stretches of `stretch` characters or more."""

    min_length: int
    characters: int  # looked up
    copied_characters: int  # of these, in such stretches

    @property
    def fraction(self) -> float:
        """Of the characters looked up."""
        return self.copied_characters / self.characters if self.characters else 0.0


def measure_copies(texts: Sequence[str], training: Sequence[str]) -> CopyStats:
    """Look `texts` up in the documents `training`; nothing that reaches over the border of two documents counts."""
    length, place = longest_shared(_characters(training), _characters(texts))
    numbers: dict[str, int] = {}
    own = _words(texts, lambda word: numbers.setdefault(word, len(numbers)))
    windows = shared_windows(_words(training, lambda word: numbers.get(word, BORDER)), own, SEQUENCE_WORDS)
    return CopyStats(
        texts=len(texts),
        characters=sum(map(len, texts)),
        longest_run=length,
        run=_BETWEEN.join(texts)[place : place + length],
        sequences=sum(max(0, len(text.split()) - SEQUENCE_WORDS + 1) for text in texts),
        sequences_found=int(windows.in_text.sum()),
    )


def measure_overlap(texts: Sequence[str], training: Sequence[str]) -> TrainOverlap:
    """How much of documents, at most the first LOOKED_UP characters, stands in the documents `training`.

    What is shorter than a stretch must stand there as a whole.
    """
    pieces = _characters(texts)[:MAX_QUERIED]
    stretch = max(1, min(OVERLAP_LENGTH, max(map(len, texts), default=0)))
    held = _held(_characters(training), pieces, stretch)
    return TrainOverlap(stretch, int((pieces != BORDER).sum()), int(held.sum()))


def copied_spans(texts: Sequence[str], training: Sequence[str], least: int) -> list[list[tuple[int, int]]]:
    """Of each text, the places (from, up to) of what stands in the documents `training`, in runs of `least`
    characters or more. What such runs cover without a gap is one stretch, so a long one may be pieced together."""
    held = _held(_characters(training), _characters(texts), least)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held, [0]]))).reshape(-1, 2)
    found: list[list[tuple[int, int]]] = []
    start = 0
    for text in texts:
        own = edges[(edges[:, 0] >= start) & (edges[:, 0] < start + len(text))] - start
        found.append([(int(first), int(last)) for first, last in own])
        start += len(text) + 1  # and a border
    return found


def _held(training: _Numbers, pieces: _Numbers, length: int) -> _Numbers:
    """1 for each symbol of the pieces that is in a window of that length which stands in `training`, else 0."""
    begin = np.flatnonzero(shared_windows(training, pieces, length).in_text)
    changes = np.zeros(len(pieces) + 1, np.int32)
    changes[begin] += 1
    changes[begin + length] -= 1
    return (changes.cumsum()[:-1] > 0).astype(np.int32)


def _characters(texts: Sequence[str]) -> _Numbers:
    """Code points, a border between documents."""
    return _bordered([code_points(text).astype(np.int32) for text in texts])


def _words(texts: Sequence[str], number: Callable[[str], int]) -> _Numbers:
    """Words by number, a border between documents."""
    return _bordered(
        [np.fromiter((number(word) for piece in chunks(text) for word in piece.split()), np.int32) for text in texts]
    )


def _bordered(documents: Sequence[_Numbers]) -> _Numbers:
    border = np.array([BORDER], np.int32)
    parts = [part for document in documents for part in (border, document)]
    return np.concatenate(parts[1:]) if parts else np.empty(0, np.int32)


HIGHLIGHT_LENGTH = (
    24  # characters of a stretch: on Tiny Shakespeare 0.4 % of held-out text lies in such, of 16 or more 12 %
)
_BESIDE = 100_000  # characters of other text that are looked up

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class HighlightedCopies:
    """Texts, and of each the places (from, up to) of what is copied in stretches of `least` characters or more.

    `share` of all their characters lies in such stretches; of held-out text `usual`.
    """

    texts: tuple[str, ...]
    spans: tuple[Spans, ...]
    min_length: int
    fraction: float
    baseline: float


def highlight_copies(
    texts: Sequence[str], held_out: Sequence[str], training: Sequence[str], least: int = HIGHLIGHT_LENGTH
) -> HighlightedCopies:
    """Look the texts, and the beginning of the documents `held_out`, up in the documents `training`."""
    beside = list(_beginning(held_out, _BESIDE))
    found = copied_spans([*texts, *beside], training, least)
    own, other = found[: len(texts)], found[len(texts) :]
    return HighlightedCopies(tuple(texts), tuple(map(tuple, own)), least, _share(texts, own), _share(beside, other))


def _beginning(texts: Sequence[str], most: int) -> Sequence[str]:
    kept: list[str] = []
    for text in texts:
        kept.append(text[: most - sum(map(len, kept))])
    return kept


def _share(texts: Sequence[str], found: Sequence[Sequence[tuple[int, int]]]) -> float:
    covered = sum(end - start for places in found for start, end in places)
    return covered / max(1, sum(map(len, texts)))
