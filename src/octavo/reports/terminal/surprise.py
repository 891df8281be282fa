"""A text as it surprised a model, for a terminal: coloured, or with the bits of each character below it."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from octavo.interpret.predictions import one_in
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.terminal.colours import SURPRISE, per_cent
from octavo.system.terminal import counted, wrapped

_LEGEND = ("below 2", "2 to 4", "4 to 6", "6 to 9", "9 or more bits a character")
_BEFORE = 14  # characters shown before each of them
_CHARACTER = re.compile(r"\r\n|.", re.DOTALL)  # a line end is one, of however many characters


@dataclass(frozen=True)
class _Sign:
    """A character as it is shown, and its bits; None: no token stands for it."""

    text: str
    bits: float | None


def coloured(surprise: Surprise, width: int) -> list[Text]:
    """What the colours mean, and lines of at most `width` columns; what the tokenizer drops is dim."""
    lines = (
        Text.assemble(*((sign.text, "dim" if sign.bits is None else SURPRISE.style(sign.bits)) for sign in line))
        for line in _lines(surprise, width)
    )
    return [SURPRISE.legend(_LEGEND), *lines]


def marked(surprise: Surprise, width: int) -> list[Text]:
    """The same without colour: below each line the whole bits of its characters, nothing below 2 and + from 10."""
    lines = [Text("below each line: bits of each character, from 2; + for 10 or more")]
    for line in _lines(surprise, width - 2):
        marks = "".join(_mark(sign.bits).ljust(cell_len(sign.text))[: cell_len(sign.text)] for sign in line).rstrip()
        lines += [Text("| " + "".join(sign.text for sign in line)), *([Text("  " + marks)] if marks else [])]
    return lines


def _mark(bits: float | None) -> str:
    if bits is None or bits < 2:
        return ""
    return "+" if bits >= 10 else str(int(bits))


def _lines(surprise: Surprise, width: int) -> Iterator[list[_Sign]]:
    """The signs of the text, broken at its newlines, and at spaces where it is too wide."""
    line: list[_Sign] = []
    for piece in surprise.alignments:
        bits = None if piece.dropped else surprise.bits_per_character_of(piece)
        for character in _CHARACTER.findall(piece.text):
            line.append(_Sign(visible_text(character), bits))
            if character[-1] in "\r\n":
                yield line
                line = []
            elif sum(cell_len(sign.text) for sign in line) > width:
                end = _break(line)
                yield line[:end]
                line = line[end:]
    if line:
        yield line


def _break(line: Sequence[_Sign]) -> int:
    """Where to break a line whose last sign is too much: after its last space, or before that sign."""
    spaces = [place for place, sign in enumerate(line[:-1]) if sign.text == " "]
    return spaces[-1] + 1 if spaces else max(1, len(line) - 1)


def surprise_totals(surprise: Surprise) -> list[str]:
    """The score, and what it leaves out."""
    bits = surprise.bits_per_character
    per_character = f"{bits:.4f} bits ({bits * math.log(2):.4f} nats) per character"
    amounts = f"{counted(len(surprise.text), 'character')}, {counted(surprise.token_count, 'token')}"
    said = [
        f"{per_character}, {surprise.nats_per_token:.4f} nats per token",
        f"{amounts}; a token of several characters spreads its bits evenly",
    ]
    return [line for sentence in [*said, *surprise.caveats()] for line in wrapped(sentence)]


def worst_tokens(surprise: Surprise) -> Table:
    """The tokens that cost most, what came before them, and what was likelier."""
    table = Table(box=None, pad_edge=False, header_style="")
    for name, width in (("bits", 4), ("chance", 11), ("rank", 4), ("after", _BEFORE)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("came", no_wrap=True, min_width=5)
    table.add_column("likelier", no_wrap=True, overflow="ellipsis")
    for before, token in surprise.worst:
        after = visible_text(before)[-_BEFORE:].replace(" ", "␣")
        cells = (
            f"{token.bits:.1f}",
            one_in(token.nats),
            f"{token.rank:,}",
            after,
            visible_label(token.label),
            _likelier(token),
        )
        table.add_row(*map(Text, cells))
    return table


def _likelier(token: TokenSurprise) -> str:
    likelier = token.predictions[: min(3, (token.rank or 1) - 1)]
    return "  ".join(f"{visible_label(guess.label)} {per_cent(guess.probability).strip()}" for guess in likelier)
