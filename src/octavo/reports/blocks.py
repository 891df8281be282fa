"""The blocks of a report, which HTML and Markdown each render in their own way, and its sections.

A section is built when it is rendered. Where that fails, one sentence says why and the other sections are there.
With ``OCTAVO_DEBUG=1`` the traceback of the failure goes to the ``octavo`` logger, which shows it on standard error.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from octavo.errors import OctavoError, reason
from octavo.evaluate.diagnosis.case import Finding
from octavo.evaluate.overlap import HighlightedCopies
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.series import TrainingCurve
from octavo.system.progress import MessageCallback, no_message
from octavo.system.terminal import capitalize_first


@dataclass(frozen=True)
class Sentences:
    """Paragraphs."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    by_name: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """Rows below a head; the first column names the rows. Rows `apart` are not comparable with the others."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    apart: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Tables:
    """Small tables, side by side where there is room."""

    tables: Sequence[Table]


@dataclass(frozen=True)
class Code:
    """Text in a fixed-width font."""

    text: str


@dataclass(frozen=True)
class Findings:
    """The findings of a diagnosis."""

    findings: Sequence[Finding]


@dataclass(frozen=True)
class Dot:
    """A model with its score in bits per character, and the standard error if there is one."""

    name: str
    bits: float
    error: float | None = None
    trained: bool = False  # by Octavo; False: a baseline


@dataclass(frozen=True)
class ScoreDots:
    """Scores on one scale, their table, and notes."""

    dots: Sequence[Dot]
    table: Table
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Curves:
    """The training curves of one run, or of several in the same panels."""

    curves: Sequence[TrainingCurve]


@dataclass(frozen=True)
class Samples:
    """Generated texts with their verbatim copies of the training split marked, and notes."""

    copies: HighlightedCopies
    notes: Sequence[str]
    captions: Sequence[str] = ()  # of the texts; none: they are numbered

    @property
    def titles(self) -> Sequence[str]:
        """Return a title for each text."""
        return self.captions or [f"Sample {number}" for number in range(1, len(self.copies.texts) + 1)]


Block = (
    Sentences
    | Facts
    | Table
    | Tables
    | Code
    | Findings
    | ScoreDots
    | Curves
    | Samples
    | AttentionView
    | HeadsView
    | SurpriseView
    | LensView
)
Builder = Callable[[], Sequence[Block]]

T = TypeVar("T")

_log = logging.getLogger("octavo")


@dataclass(frozen=True)
class Section:
    """A title with the builders of the blocks below it.

    `key` is the anchor of links, `question` a subtitle, and `activity` a message to show while it is built.
    """

    key: str
    title: str
    builders: Sequence[Builder]
    question: str = ""
    activity: str = ""

    def render(self, render: Callable[[Block], T], note: MessageCallback = no_message) -> list[T]:
        """Build the blocks and render each; a builder that fails becomes the sentence that says why."""
        if self.activity:
            note(self.activity)
        rendered: list[T] = []
        for builder in self.builders:
            result = try_compute(partial(_render_blocks, builder, render))
            rendered += [render(Sentences([result.why]))] if isinstance(result, Unavailable) else result
        return rendered


def _render_blocks(builder: Builder, render: Callable[[Block], T]) -> list[T]:
    return [render(block) for block in builder()]


@dataclass(frozen=True)
class Unavailable:
    """The reason why a value is missing, as a sentence."""

    why: str


def try_compute(compute: Callable[[], T]) -> T | Unavailable:
    """Return what `compute` returns, or why it fails."""
    try:
        return compute()
    except OctavoError as error:
        return Unavailable(sentence(str(error)))
    except OSError as error:
        _log_traceback(error)
        path = "" if error.filename is None else f": {error.filename}"
        return Unavailable(sentence(f"{error.strerror or error}{path}"))
    except Exception as error:  # the report of a damaged run must show what is intact, whatever else is damaged
        _log_traceback(error)
        return Unavailable(
            sentence(f"this cannot be computed from the files of the run ({type(error).__name__}: {reason(error)})")
        )


def _log_traceback(error: Exception) -> None:
    """Log a traceback, as an error with ``OCTAVO_DEBUG``: Python shows errors on standard error."""
    debug = os.environ.get("OCTAVO_DEBUG", "") not in ("", "0")
    _log.log(logging.ERROR if debug else logging.DEBUG, "a part could not be made", exc_info=error)


def sentence(words: str) -> str:
    """Return words in one line as a sentence, with a capital letter and a full stop."""
    words = " ".join(words.split())
    return f"{capitalize_first(words).rstrip('.')}."
