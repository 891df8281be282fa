"""A report before it is written: sections of blocks, which a page and Markdown show each in its own way.

Parts that cannot be made: each says why in one sentence in its place, and the others are there.

The sentence is all that a reader needs. Whoever looks for a fault of Octavo sets ``OCTAVO_DEBUG=1``: then the
traceback goes to the ``octavo`` logger, which shows it on standard error.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from octavo.errors import OctavoError, reason
from octavo.evaluate import Baseline, Evaluation, Memorisation, TrainOverlap
from octavo.evaluate.diagnosis import Finding
from octavo.evaluate.overlap import HighlightedCopies
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.scores import Dot, Figures
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.series import TrainingCurve
from octavo.system.terminal import capitalized


@dataclass(frozen=True)
class Sentences:
    """A paragraph each."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names with what they are."""

    by_name: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """Rows below a head; the first column names them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Tables:
    """Small tables side by side, where there is room."""

    tables: Sequence[Table]


@dataclass(frozen=True)
class Code:
    """Text as it is typed."""

    text: str


@dataclass(frozen=True)
class Findings:
    """What a run suffers from."""

    findings: Sequence[Finding]


@dataclass(frozen=True)
class Scored:
    """A score and what it stands beside."""

    evaluation: Evaluation
    baselines: Sequence[Baseline]  # none: they were not computed
    overlap: TrainOverlap
    training_seconds: float


@dataclass(frozen=True)
class Dots:
    """Scores on one scale, the table of them, and notes."""

    dots: Sequence[Dot]
    figures: Figures
    notes: Sequence[str]


@dataclass(frozen=True)
class Curves:
    """How one run went, or several."""

    curves: Sequence[TrainingCurve]


@dataclass(frozen=True)
class Samples:
    """What a model wrote, and how much of what it writes is copied."""

    marked: HighlightedCopies
    memorisation: Memorisation | None


Block = (
    Sentences
    | Facts
    | Table
    | Tables
    | Code
    | Findings
    | Scored
    | Dots
    | Curves
    | Samples
    | AttentionView
    | HeadsView
    | SurpriseView
    | LensView
)


@dataclass(frozen=True)
class Section:
    """Blocks below a title; `key` is what links lead to."""

    key: str
    title: str
    blocks: Sequence[Block]


T = TypeVar("T")

_log = logging.getLogger("octavo")


@dataclass(frozen=True)
class Unavailable:
    """Why something is not there, in one sentence."""

    why: str


def try_compute(make: Callable[[], T]) -> T | Unavailable:
    """Return what `make` makes, or why it cannot."""
    try:
        return make()
    except OctavoError as error:
        return Unavailable(_sentence(str(error)))
    except OSError as error:
        _trace(error)
        where = "" if error.filename is None else f": {error.filename}"
        return Unavailable(_sentence(f"{error.strerror or error}{where}"))
    except Exception as error:  # a report of a damaged run must show what is whole, whatever is wrong with the rest
        _trace(error)
        return Unavailable(
            _sentence(f"this part cannot be made from what lies in the run ({type(error).__name__}: {reason(error)})")
        )


def require(value: T | Unavailable) -> T:
    """The value.

    Raises:
        OctavoError: it is absent.
    """
    if isinstance(value, Unavailable):
        raise OctavoError(value.why)
    return value


def _trace(error: Exception) -> None:
    """Log the traceback: as an error, which Python shows, where somebody asks for it."""
    asked = os.environ.get("OCTAVO_DEBUG", "") not in ("", "0")
    _log.log(logging.ERROR if asked else logging.DEBUG, "a part could not be made", exc_info=error)


def _sentence(words: str) -> str:
    words = " ".join(words.split())
    return f"{capitalized(words).rstrip('.')}."
