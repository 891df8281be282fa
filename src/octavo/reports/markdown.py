"""Reports as Markdown: a folder with ``report.md`` and its figures as PNG."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.evaluate.comparison import NOT_COMPARABLE
from octavo.evaluate.diagnosis.case import Finding
from octavo.formats.files import write_atomically
from octavo.interpret.head_labels import MEANINGS, TITLES, table_caveats, table_sample
from octavo.interpret.head_table import HeadTable
from octavo.interpret.lens import Lens
from octavo.interpret.surprise import Surprise
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports import blocks
from octavo.reports.blocks import Block, Section, sentence
from octavo.reports.figures.curves import curves_figure
from octavo.reports.figures.files import save_figure
from octavo.reports.head_columns import Cell, Column, head_columns
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView, layer_scores_note
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.markdown_text import fenced, inline_code, markdown_table, plain
from octavo.system.progress import MessageCallback, no_message
from octavo.system.terminal import capitalize_first, escape_controls, quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKDOWN_FILE = "report.md"
_SOFT_HYPHEN = "\u00ad"

Draw = Callable[[str, "Figure"], str]  # writes a figure under a name; returns the Markdown that shows it


def save_markdown(
    folder: Path,
    title: str,
    lead: str,
    opening: Sequence[str],
    sections: Sequence[Section],
    note: MessageCallback = no_message,
) -> list[Path]:
    """Write the folder; return the paths of its files, ``report.md`` first.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []

    def draw(name: str, figure: "Figure") -> str:
        (path,) = save_figure(figure, folder / name)
        pictures.append(path)
        return f"![{name.replace('-', ' ')}]({path.name})"

    paragraphs = [f"# {plain(title)}", plain(lead), *(f"**{plain(one)}**" for one in opening)]
    for section in sections:
        paragraphs += [f"## {section.title}", *([f"*{section.question}*"] if section.question else [])]
        for rendered in section.render(lambda block: block_paragraphs(block, draw), note):
            paragraphs += rendered
    path = folder / MARKDOWN_FILE
    write_atomically(path, ("\n\n".join(paragraphs) + "\n").encode("utf-8", "replace"))
    return [path, *pictures]


def block_paragraphs(block: Block, draw: Draw) -> list[str]:
    """Render a block as paragraphs."""
    match block:
        case blocks.Sentences():
            return [plain(text) for text in block.texts]
        case blocks.Facts():
            return [markdown_table(("", ""), block.by_name.items())]
        case blocks.Table():
            return [*([plain(block.caption)] if block.caption else []), markdown_table(block.head, block.rows)]
        case blocks.Tables():
            return [markdown_table(table.head, table.rows) for table in block.tables]
        case blocks.Code():
            return [fenced(block.text)]
        case blocks.Findings():
            return ["\n".join(map(_finding, block.findings))]
        case blocks.ScoreDots():
            return _scores(block)
        case blocks.Curves():
            names = ["curves" if n == 0 else f"curves-{n + 1}" for n in range(len(block.curves))]
            return [draw(name, curves_figure(curve)) for name, curve in zip(names, block.curves, strict=True)]
        case blocks.Samples():
            return _samples(block)
        case AttentionView():
            return [draw(f"attention-{name}", figure) for name, figure in block.figures().items()]
        case HeadsView():
            return head_paragraphs(block.table, draw("heads", block.figure()))
        case SurpriseView():
            return surprise_paragraphs(block.surprise)
        case LensView():
            return lens_paragraphs(block.lens)


def _finding(finding: Finding) -> str:
    words = f"- **{plain(finding.kind)}**: {plain(finding.words)}."
    if not finding.fix:
        return words
    return f"{words} To fix: {plain(finding.fix)}" + (f": {inline_code(finding.command)}" if finding.command else ".")


def _scores(scores: blocks.ScoreDots) -> list[str]:
    table = scores.table
    paragraphs = [markdown_table(table.head, table.rows)]
    if table.apart:
        paragraphs += [f"{capitalize_first(NOT_COMPARABLE)}:", markdown_table(table.head, table.apart)]
    return [*paragraphs, *map(plain, filter(None, [table.caption, *scores.notes]))]


def _samples(samples: blocks.Samples) -> list[str]:
    paragraphs = list(map(plain, samples.notes))
    copies = samples.copies
    for caption, text, spans in zip(samples.titles, copies.texts, copies.spans, strict=True):
        paragraphs += [f"{plain(caption)}:", fenced(escape_controls(text))]
        if spans:
            marked = [f"- {plain(visible_text(text[start:end]))}" for start, end in spans]
            paragraphs += ["Marked in this sample:", "\n".join(marked)]
    return paragraphs


def head_paragraphs(heads: HeadTable, picture: str) -> list[str]:
    """Render the head table: a table for each group of columns, and what the labels and the columns mean."""
    names = [f"{head.label} {TITLES[head.name]}" for head in heads.heads]
    groups = head_columns(heads)
    paragraphs = [f"{plain(table_sample(heads))}. In parentheses the 95 % interval over windows.", picture]
    for group, columns in groups.items():
        rows = [(name, *(_cell(column.cells[row]) for column in columns)) for row, name in enumerate(names)]
        uniform = ("uniform attention", *(column.uniform for column in columns))
        head = ("head", *map(_title, columns))
        paragraphs += [f"{plain(capitalize_first(group))}:", markdown_table(head, [*rows, uniform])]
    labels = {TITLES[head.name]: MEANINGS[head.name] for head in heads.heads}
    titles = {_title(column): column.meaning for columns in groups.values() for column in columns}
    paragraphs += ["What the labels mean:", _meanings(labels), "What the columns mean:", _meanings(titles)]
    caveats = [capitalize_first(words) for words in table_caveats(heads)]
    return [*paragraphs, *([_listed(caveats)] if caveats else [])]


def surprise_paragraphs(surprise: Surprise) -> list[str]:
    """Render the surprisal of a text: its total, its caveats, and the most surprising tokens."""
    total = (
        f"{quantity(len(surprise.text), 'character')} have {surprise.total_bits:,.0f} bits: "
        f"{surprise.bits_per_character:.3f} bits per character."
    )
    sentences = [total, *map(sentence, surprise.caveats())]
    rows = [
        (visible_text(before), visible_label(token.label), f"{token.bits:.1f}", f"{token.rank or '–'}")
        for before, token in surprise.worst
    ]
    paragraphs = [plain(" ".join(sentences))]
    if rows:
        head = ("after", "actual token", "bits", "rank")
        paragraphs += ["The most surprising tokens:", markdown_table(head, rows)]
    return paragraphs


def lens_paragraphs(lens: Lens) -> list[str]:
    """Render the logit lens: the top prediction of each layer after each token, and each layer's score."""
    labels = [visible_label(label) for label in lens.passage.labels]
    targets = [*labels[1:], ""]
    rows = []
    for position, label in enumerate(labels):
        predictions = [layer.cells[position].predictions[0] for layer in lens.layers]
        tops = [f"{visible_label(top.label)} {100 * top.probability:.0f} %" for top in predictions]
        rows.append((label, *tops, targets[position]))
    names = [layer.name for layer in lens.layers]
    head = ("after", *names, "actual token")
    caveats = [plain(sentence(caveat)) for caveat in lens.caveats()]
    return [*caveats, markdown_table(head, rows), *_layer_scores(lens, names)]


def _layer_scores(lens: Lens, names: list[str]) -> list[str]:
    if not lens.held_out_bits:
        return []
    rows = [
        ("bits per character", *(f"{bits:.3f}" for bits in lens.held_out_bits)),
        ("change", *("" if gain is None else f"{-gain:+.3f}" for gain in lens.gains)),
    ]
    return [plain(layer_scores_note(lens)), markdown_table(("", *names), rows)]


def _meanings(meanings: dict[str, str]) -> str:
    return _listed(f"{name}: {words}" for name, words in meanings.items())


def _listed(texts: Iterable[str]) -> str:
    return "\n".join(f"- {plain(text)}." for text in texts)


def _title(column: Column) -> str:
    return column.title.replace(_SOFT_HYPHEN, "")


def _cell(cell: Cell) -> str:
    return f"{cell.text} ({cell.interval})" if cell.interval else cell.text
