"""Text of a model or a person in Markdown, of which Markdown takes nothing for its own.

What a model has inside, in Markdown: the tables of its heads, of what surprised it, and of its layers.

A report as Markdown: a folder with ``report.md``, its tables, and its pictures as PNG.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.evaluate.comparison import NOT_COMPARABLE, THIS_MODEL, TIME_CAVEAT, ScoreRow, rank_scores
from octavo.evaluate.diagnosis import Finding
from octavo.formats.files import write_atomically
from octavo.interpret.head_labels import MEANINGS, TITLES, table_caveats, table_sample
from octavo.interpret.head_table import HeadTable
from octavo.interpret.lens import Lens
from octavo.interpret.surprise import Surprise
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.blocks import (
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
    Unavailable,
    try_compute,
)
from octavo.reports.figures.curves import curves_figure
from octavo.reports.figures.files import save_figure
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.blocks import sample_notes
from octavo.reports.html.heads import Cell, Column, HeadsView, head_columns
from octavo.reports.html.lens import LensView
from octavo.reports.html.scores import score_notes
from octavo.reports.html.surprise import SurpriseView
from octavo.system.terminal import capitalized, counted, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&~])")
_LINK = re.compile(r"([^\s\\`<>|]*(?:://|www\.|@)[^\s\\`<>|]*)", re.IGNORECASE)  # what becomes one without brackets


def plain(text: str) -> str:
    """Text in a paragraph or in a cell of a table. What would become a link is set as code: GitHub links an address
    even where it is escaped."""
    pieces = _LINK.split(shown(text).replace("\n", " "))
    return "".join(f"`{piece}`" if n % 2 else _SPECIAL.sub(r"\\\1", piece) for n, piece in enumerate(pieces))


def fenced(text: str) -> str:
    """Text as it is, whatever back-quotes it has."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows below a head, all of plain text."""
    lines = [list(map(plain, head)), ["---"] * len(head), *(list(map(plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_SOFT_HYPHEN = "\u00ad"


def heads_pieces(heads: HeadTable, picture: str) -> list[str]:
    """What the heads were measured on, their picture, a table for each group of columns, and what all of it means."""
    names = [f"{head.label} {TITLES[head.name]}" for head in heads.heads]
    groups = head_columns(heads)
    pieces = [f"{plain(table_sample(heads))}. Beside each figure its 95 % interval over windows.", picture]
    for group, columns in groups.items():
        rows = [(name, *(_cell(column.cells[row]) for column in columns)) for row, name in enumerate(names)]
        head = ("head", *map(_title, columns))
        pieces += [f"{plain(capitalized(group))}:", markdown_table(head, [*rows, _even(columns)])]
    earned = {TITLES[head.name]: MEANINGS[head.name] for head in heads.heads}
    meant = {_title(column): column.meaning for columns in groups.values() for column in columns}
    pieces += ["What the names mean:", _meanings(earned), "What the columns mean:", _meanings(meant)]
    said = [capitalized(words) for words in table_caveats(heads)]
    return [*pieces, *([_listed(said)] if said else [])]


def surprise_pieces(surprise: Surprise) -> list[str]:
    """What a text cost, what that compares with, and what surprised most."""
    said = (
        f"{counted(len(surprise.text), 'character')} cost {surprise.total_bits:,.0f} bits: "
        f"{surprise.bits_per_character:.3f} bits per character."
    )
    said = " ".join([said, *(f"{capitalized(caveat)}." for caveat in surprise.caveats())])
    rows = [
        (visible_text(before), visible_label(token.label), f"{token.bits:.1f}", f"{token.rank or '–'}")
        for before, token in surprise.worst
    ]
    return [said, "What surprised most:", markdown_table(("after", "came", "bits", "rank"), rows)] if rows else [said]


def lens_pieces(lens: Lens) -> list[str]:
    """What each layer would predict after each token, and how well it would on held-out text."""
    labels = [visible_label(label) for label in lens.passage.labels]
    came = [*labels[1:], ""]
    rows = []
    for place, label in enumerate(labels):
        guesses = [layer.cells[place].predictions[0] for layer in lens.layers]
        likeliest = [f"{visible_label(guess.label)} {100 * guess.probability:.0f} %" for guess in guesses]
        rows.append((label, *likeliest, came[place]))
    names = [layer.name for layer in lens.layers]
    return [
        *(f"{capitalized(caveat)}." for caveat in lens.caveats()),
        markdown_table(("after", *names, "came"), rows),
        *_losses(lens, names),
    ]


def _losses(lens: Lens, names: list[str]) -> list[str]:
    if not lens.held_out_bits:
        return []
    said = (
        f"What each layer would score on the first {lens.held_out_characters:,.0f} characters of the held-out text, "
        "if the model ended there, and how that differs from the layer before. The last layer is the whole model, "
        "whose score is of all of that text."
    )
    rows = [
        ("bits per character", *(f"{bits:.3f}" for bits in lens.held_out_bits)),
        ("change", *("" if gain is None else f"{-gain:+.3f}" for gain in lens.gains)),
    ]
    return [said, markdown_table(("", *names), rows)]


def _meanings(meanings: dict[str, str]) -> str:
    return _listed(f"{name}: {words}" for name, words in meanings.items())


def _listed(texts: Iterable[str]) -> str:
    return "\n".join(f"- {plain(text)}." for text in texts)


def _title(column: Column) -> str:
    return column.title.replace(_SOFT_HYPHEN, "")


def _cell(cell: Cell) -> str:
    return f"{cell.text} ({cell.interval})" if cell.interval else cell.text


def _even(columns: list[Column]) -> tuple[str, ...]:
    return ("even attention", *(column.even for column in columns))


MARKDOWN_FILE = "report.md"

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
    path = folder / MARKDOWN_FILE
    write_atomically(path, ("\n\n".join(pieces) + "\n").encode("utf-8", "replace"))
    return [path, *pictures]


def _safe(block: Block, draw: Draw) -> list[str]:
    """The pieces of a block, or why it cannot be made."""
    pieces = try_compute(lambda: _pieces(block, draw))
    return [plain(pieces.why)] if isinstance(pieces, Unavailable) else pieces


def _pieces(block: Block, draw: Draw) -> list[str]:
    """A block as paragraphs of Markdown."""
    match block:
        case Sentences():
            return [plain(text) for text in block.texts]
        case Facts():
            return [markdown_table(("", ""), block.by_name.items())]
        case Table():
            return [*([plain(block.caption)] if block.caption else []), markdown_table(block.head, block.rows)]
        case Tables():
            return [markdown_table(one.head, one.rows) for one in block.tables]
        case Code():
            return [fenced(block.text)]
        case Findings():
            return ["\n".join(map(_finding, block.findings))]
        case Scored():
            return _score(block)
        case Dots():
            return [markdown_table(block.figures.head, block.figures.rows), *map(plain, block.notes)]
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
        case AttentionView():
            return [draw(f"attention-{name}", figure) for name, figure in block.figures().items()]
        case HeadsView():
            return heads_pieces(block.table, draw("heads", block.figure()))
        case SurpriseView():
            return surprise_pieces(block.surprise)
        case LensView():
            return lens_pieces(block.lens)


def _finding(finding: Finding) -> str:
    fix = f" To fix: {plain(finding.fix)}." if finding.fix else ""
    return f"- **{plain(finding.kind)}**: {plain(finding.words)}.{fix}"


def _score(scored: Scored) -> list[str]:
    found = rank_scores(scored.evaluation, scored.baselines, scored.training_seconds)
    head = ("model", "bits per character", "nats per character", "nats per token", "time, s")
    pieces = [markdown_table(head, map(_standing, found.rows))]
    if found.not_comparable:
        pieces += [f"{capitalized(NOT_COMPARABLE)}:", markdown_table(head, map(_standing, found.not_comparable))]
    notes = score_notes(scored.evaluation, scored.baselines, scored.overlap)
    return [*pieces, *([f"{capitalized(TIME_CAVEAT)}."] if scored.baselines else []), *map(plain, notes)]


def _standing(one: ScoreRow) -> list[str]:
    tokens = "" if one.nats_per_token is None else f"{one.nats_per_token:.4f}"
    name = f"{one.name} ←" if one.name == THIS_MODEL else one.name
    return [name, f"{one.bits_per_character:.4f}", f"{one.nats_per_character:.4f}", tokens, f"{one.seconds:.1f}"]


def _samples(samples: Samples) -> list[str]:
    marked = samples.marked
    pieces = list(map(plain, sample_notes(marked, samples.memorisation, "Listed below each sample")))
    for number, (text, places) in enumerate(zip(marked.texts, marked.spans, strict=True), 1):
        pieces += [f"Sample {number}:", fenced(shown(text))]
        copies = [f"- {plain(visible_text(text[start:end]))}" for start, end in places]
        pieces += ["\n".join(copies)] if copies else []
    return pieces
