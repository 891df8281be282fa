"""What a model has inside, in Markdown: the tables of its heads, of what surprised it, and of its layers."""

from collections.abc import Iterable

from octavo.interpret.head_table import HeadTable
from octavo.interpret.head_words import MEANINGS, TITLES, measured, reservations
from octavo.interpret.lens import Lens
from octavo.interpret.surprise import Surprise
from octavo.interpret.visible import running, visible
from octavo.pages.heads import Cell, Column, head_columns
from octavo.reports.markdown_text import plain, table
from octavo.terminal import capitalized, counted

_SOFT_HYPHEN = "\u00ad"


def heads_pieces(heads: HeadTable, picture: str) -> list[str]:
    """What the heads were measured on, their picture, a table for each group of columns, and what all of it means."""
    names = [f"{head.label} {TITLES[head.name]}" for head in heads.heads]
    groups = head_columns(heads)
    pieces = [f"{plain(measured(heads))}. Beside each figure its 95 % interval over windows.", picture]
    for group, columns in groups.items():
        rows = [(name, *(_cell(column.cells[row]) for column in columns)) for row, name in enumerate(names)]
        head = ("head", *map(_title, columns))
        pieces += [f"{plain(capitalized(group))}:", table(head, [*rows, _even(columns)])]
    earned = {TITLES[head.name]: MEANINGS[head.name] for head in heads.heads}
    meant = {_title(column): column.meaning for columns in groups.values() for column in columns}
    pieces += ["What the names mean:", _meanings(earned), "What the columns mean:", _meanings(meant)]
    said = [capitalized(words) for words in reservations(heads)]
    return [*pieces, *([_listed(said)] if said else [])]


def surprise_pieces(surprise: Surprise) -> list[str]:
    """What a text cost, what that compares with, and what surprised most."""
    said = (
        f"{counted(len(surprise.text), 'character')} cost {surprise.total_bits:,.0f} bits: "
        f"{surprise.bits_per_character:.3f} bits per character."
    )
    if not surprise.lossless_tokenizer:
        said += (
            f" The tokenizer drops {surprise.dropped:,} of the characters, which cost nothing: bits per character "
            "compare with no other model's."
        )
    if surprise.tokens[0].rank is None:
        said += " Nothing comes before the first token, so it is charged as by chance."
    rows = [
        (running(before), visible(token.label), f"{token.bits:.1f}", f"{token.rank or '–'}")
        for before, token in surprise.worst
    ]
    return [said, "What surprised most:", table(("after", "came", "bits", "rank"), rows)] if rows else [said]


def lens_pieces(lens: Lens) -> list[str]:
    """What each layer would predict after each token, and how well it would on held-out text."""
    labels = [visible(label) for label in lens.passage.labels]
    came = [*labels[1:], ""]
    rows = []
    for place, label in enumerate(labels):
        guesses = [layer.cells[place].guesses[0] for layer in lens.layers]
        likeliest = [f"{visible(guess.label)} {100 * guess.probability:.0f} %" for guess in guesses]
        rows.append((label, *likeliest, came[place]))
    names = [layer.name for layer in lens.layers]
    return [*_reservations(lens), table(("after", *names, "came"), rows), *_losses(lens, names)]


def _reservations(lens: Lens) -> list[str]:
    said = []
    if lens.tied_embeddings:
        said.append(
            "This model's unembedding is its embedding, so before the first block it expects the token itself."
        )
    if not lens.residual:
        said.append("This model has no residual stream: what its unembedding makes of an earlier layer says little.")
    return said


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
    return [said, table(("", *names), rows)]


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
