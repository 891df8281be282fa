"""A report as Markdown: a folder with ``report.md``, its tables, and its pictures as PNG."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.diagnosis import Finding
from octavo.evaluate.comparison import APART, THIS_MODEL, TIMES, Standing, comparison
from octavo.files import write_atomically
from octavo.interpret.head_words import TITLES, measured
from octavo.interpret.visible import visible
from octavo.pages.attention import ShownAttention
from octavo.pages.heads import ShownHeads
from octavo.pages.lens import ShownLens
from octavo.pages.samples import sample_notes
from octavo.pages.scores import score_notes
from octavo.pages.surprise import ShownSurprise
from octavo.plots.curves import curves_figure
from octavo.plots.saving import save_figure
from octavo.reports.absent import Absent, attempt
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
from octavo.terminal import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "report.md"
_WORST = 8  # tokens that surprised most
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&~])")

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

    pieces = [f"# {_plain(title)}", _plain(lead), *([f"**{_plain(first)}**"] if first else [])]
    for section in sections:
        pieces.append(f"## {section.title}")
        pieces += [piece for block in section.blocks for piece in _safe(block, draw)]
    path = folder / FILE
    write_atomically(path, ("\n\n".join(pieces) + "\n").encode())
    return [path, *pictures]


def _safe(block: Block, draw: Draw) -> list[str]:
    """The pieces of a block, or why it cannot be made."""
    pieces = attempt(lambda: _pieces(block, draw))
    return [_plain(pieces.why)] if isinstance(pieces, Absent) else pieces


def _pieces(block: Block, draw: Draw) -> list[str]:
    """A block as paragraphs of Markdown."""
    match block:
        case Sentences():
            return [_plain(text) for text in block.texts]
        case Facts():
            return [_table(("", ""), block.by_name.items())]
        case Table():
            return [*([_plain(block.caption)] if block.caption else []), _table(block.head, block.rows)]
        case Tables():
            return [_table(table.head, table.rows) for table in block.tables]
        case Code():
            return [_fenced(block.text)]
        case Findings():
            return ["\n".join(map(_finding, block.findings))]
        case Scored():
            return _score(block)
        case Dots():
            return [_table(block.figures.head, block.figures.rows), *map(_plain, block.notes)]
        case Curves():
            return [
                draw("curves" if n == 0 else f"curves-{n + 1}", curves_figure(course.metrics, course.name))
                for n, course in enumerate(block.courses)
            ]
        case Samples():
            return _samples(block)
        case ShownAttention():
            return [draw(f"attention-{name}", figure) for name, figure in block.figures().items()]
        case ShownHeads():
            return _heads(block, draw)
        case ShownSurprise():
            return _surprise(block)
        case ShownLens():
            return _lens(block)


def _finding(finding: Finding) -> str:
    mend = f" What to do: {_plain(finding.mend)}." if finding.mend else ""
    return f"- **{_plain(finding.kind)}**: {_plain(finding.words)}.{mend}"


def _score(scored: Scored) -> list[str]:
    found = comparison(scored.evaluation, scored.baselines, scored.training_seconds)
    head = ("model", "bits per character", "nats per character", "nats per token", "time, s")
    pieces = [_table(head, map(_standing, found.standings))]
    if found.apart:
        pieces += [f"{APART.capitalize()}:", _table(head, map(_standing, found.apart))]
    notes = score_notes(scored.evaluation, scored.baselines, scored.overlap)
    return [*pieces, *([f"{TIMES.capitalize()}."] if scored.baselines else []), *map(_plain, notes)]


def _standing(one: Standing) -> list[str]:
    tokens = "" if one.nats_per_token is None else f"{one.nats_per_token:.4f}"
    name = f"{one.name} ←" if one.name == THIS_MODEL else one.name
    return [name, f"{one.bits_per_character:.4f}", f"{one.nats_per_character:.4f}", tokens, f"{one.seconds:.1f}"]


def _samples(samples: Samples) -> list[str]:
    marked = samples.marked
    pieces = list(map(_plain, sample_notes(marked, samples.memorisation, "Listed below each sample")))
    for number, (text, places) in enumerate(zip(marked.texts, marked.stretches, strict=True), 1):
        pieces += [f"Sample {number}:", _fenced(shown(text))]
        copies = [f"- {_plain(visible(text[start:end], kept=' '))}" for start, end in places]
        pieces += ["\n".join(copies)] if copies else []
    return pieces


def _heads(heads: ShownHeads, draw: Draw) -> list[str]:
    rows = [
        (head.label, TITLES[head.name], f"{head.distance.mean:.1f}", f"{head.removal['zero'].mean:.3f}")
        for head in heads.table.heads
    ]
    head = ("head", "name", "looks back, tokens", "cost of removing it, bits a character")
    return [f"{_plain(measured(heads.table))}.", draw("heads", heads.figure()), _table(head, rows)]


def _surprise(found: ShownSurprise) -> list[str]:
    surprise = found.surprise
    rows = [
        (visible(before, kept=" "), visible(token.label), f"{token.bits:.1f}", f"{token.rank}")
        for before, token in surprise.worst(_WORST)
    ]
    said = (
        f"{len(surprise.text):,} characters cost {surprise.total_bits:,.0f} bits: "
        f"{surprise.bits_per_character:.3f} bits per character. What surprised most:"
    )
    return [said, _table(("after", "came", "bits", "rank"), rows)]


def _lens(found: ShownLens) -> list[str]:
    lens = found.lens
    labels = [visible(label) for label in lens.passage.labels]
    came = [*labels[1:], ""]
    rows = []
    for place, label in enumerate(labels):
        guesses = [layer.cells[place].guesses[0] for layer in lens.layers]
        likeliest = [f"{visible(guess.label)} {100 * guess.probability:.0f} %" for guess in guesses]
        rows.append((label, *likeliest, came[place]))
    return [_table(("after", *(layer.name for layer in lens.layers), "came"), rows)]


def _plain(text: str) -> str:
    """Text of a model or a person, so that Markdown takes nothing of it for its own."""
    return _SPECIAL.sub(r"\\\1", shown(" ".join(text.split("\n"))))


def _fenced(text: str) -> str:
    """Text as it is, whatever back-quotes it has."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(map(_plain, head)), ["---"] * len(head), *(list(map(_plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
