"""A report before it is written: sections of blocks, which a page and Markdown show each in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from octavo.diagnosis import Finding
from octavo.evaluate import Baseline, Evaluation, Memorisation, Overlap
from octavo.evaluate.marked import Marked
from octavo.pages.attention import ShownAttention
from octavo.pages.heads import ShownHeads
from octavo.pages.lens import ShownLens
from octavo.pages.scores import Dot, Figures
from octavo.pages.series import Course
from octavo.pages.surprise import ShownSurprise


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
    overlap: Overlap
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

    courses: Sequence[Course]


@dataclass(frozen=True)
class Samples:
    """What a model wrote, and how much of what it writes is copied."""

    marked: Marked
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
    | ShownAttention
    | ShownHeads
    | ShownSurprise
    | ShownLens
)


@dataclass(frozen=True)
class Section:
    """Blocks below a title; `key` is what links lead to."""

    key: str
    title: str
    blocks: Sequence[Block]
