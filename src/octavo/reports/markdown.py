"""A report as Markdown: a folder with ``report.md``, its tables, and its pictures as PNG."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.diagnosis import Finding
from octavo.evaluate.comparison import APART, THIS_MODEL, TIMES, Standing, comparison
from octavo.files import write_atomically
from octavo.interpret.visible import running
from octavo.pages.attention import ShownAttention
from octavo.pages.heads import ShownHeads
from octavo.pages.lens import ShownLens
from octavo.pages.samples import sample_notes
from octavo.pages.scores import score_notes
from octavo.pages.surprise import ShownSurprise
from octavo.plots.curves import curves_figure
from octavo.plots.saving import save_figure
from octavo.reports.absent import Absent, attempt
from octavo.reports.markdown_inside import heads_pieces, lens_pieces, surprise_pieces
from octavo.reports.markdown_text import fenced, plain, table
from octavo.reports.section import (
    Block,
    Code,
    Curves,
    Dots,
    Facts,
    Findings,
    Samples,
    Scored,
    Section,
    Sentences,
    Table,
    Tables,
)
from octavo.terminal import capitalized, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "report.md"

Draw = Callable[[str, "Figure"], str]  # writes a figure under a name, and gives what shows it


def save_markdown(folder: Path, title: str, lead: str, first: str, sections: Sequence[Section]) -> list[Path]:
    """Write the folder; returns the paths of its files, ``report.md`` first.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []

    def draw(name: str, figure: "Figure") -> str:
        (path,) = save_figure(figure, folder / name)
        pictures.append(path)
        return f"![{name.replace('-', ' ')}]({path.name})"

    pieces = [f"# {plain(title)}", plain(lead), *([f"**{plain(first)}**"] if first else [])]
    for section in sections:
        pieces.append(f"## {section.title}")
        pieces += [piece for block in section.blocks for piece in _safe(block, draw)]
    path = folder / FILE
    write_atomically(path, ("\n\n".join(pieces) + "\n").encode("utf-8", "replace"))
    return [path, *pictures]


def _safe(block: Block, draw: Draw) -> list[str]:
    """The pieces of a block, or why it cannot be made."""
    pieces = attempt(lambda: _pieces(block, draw))
    return [plain(pieces.why)] if isinstance(pieces, Absent) else pieces


def _pieces(block: Block, draw: Draw) -> list[str]:
    """A block as paragraphs of Markdown."""
    match block:
        case Sentences():
            return [plain(text) for text in block.texts]
        case Facts():
            return [table(("", ""), block.by_name.items())]
        case Table():
            return [*([plain(block.caption)] if block.caption else []), table(block.head, block.rows)]
        case Tables():
            return [table(one.head, one.rows) for one in block.tables]
        case Code():
            return [fenced(block.text)]
        case Findings():
            return ["\n".join(map(_finding, block.findings))]
        case Scored():
            return _score(block)
        case Dots():
            return [table(block.figures.head, block.figures.rows), *map(plain, block.notes)]
        case Curves():
            return [
                draw(
                    "curves" if n == 0 else f"curves-{n + 1}",
                    curves_figure(course.metrics, course.name, note=course.note),
                )
                for n, course in enumerate(block.courses)
            ]
        case Samples():
            return _samples(block)
        case ShownAttention():
            return [draw(f"attention-{name}", figure) for name, figure in block.figures().items()]
        case ShownHeads():
            return heads_pieces(block.table, draw("heads", block.figure()))
        case ShownSurprise():
            return surprise_pieces(block.surprise)
        case ShownLens():
            return lens_pieces(block.lens)


def _finding(finding: Finding) -> str:
    mend = f" What to do: {plain(finding.mend)}." if finding.mend else ""
    return f"- **{plain(finding.kind)}**: {plain(finding.words)}.{mend}"


def _score(scored: Scored) -> list[str]:
    found = comparison(scored.evaluation, scored.baselines, scored.training_seconds)
    head = ("model", "bits per character", "nats per character", "nats per token", "time, s")
    pieces = [table(head, map(_standing, found.standings))]
    if found.apart:
        pieces += [f"{capitalized(APART)}:", table(head, map(_standing, found.apart))]
    notes = score_notes(scored.evaluation, scored.baselines, scored.overlap)
    return [*pieces, *([f"{capitalized(TIMES)}."] if scored.baselines else []), *map(plain, notes)]


def _standing(one: Standing) -> list[str]:
    tokens = "" if one.nats_per_token is None else f"{one.nats_per_token:.4f}"
    name = f"{one.name} ←" if one.name == THIS_MODEL else one.name
    return [name, f"{one.bits_per_character:.4f}", f"{one.nats_per_character:.4f}", tokens, f"{one.seconds:.1f}"]


def _samples(samples: Samples) -> list[str]:
    marked = samples.marked
    pieces = list(map(plain, sample_notes(marked, samples.memorisation, "Listed below each sample")))
    for number, (text, places) in enumerate(zip(marked.texts, marked.stretches, strict=True), 1):
        pieces += [f"Sample {number}:", fenced(shown(text))]
        copies = [f"- {plain(running(text[start:end]))}" for start, end in places]
        pieces += ["\n".join(copies)] if copies else []
    return pieces
