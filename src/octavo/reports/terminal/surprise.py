"""Format surprisal for the terminal: text coloured by it, or with the bits of each character below it."""

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
from octavo.reports.terminal.colours import SURPRISAL, percentage
from octavo.system.terminal import quantity, wrap_lines

_LEGEND = ("below 2", "2 to 4", "4 to 6", "6 to 9", "9 or more bits per character")
_CONTEXT = 14  # characters shown before a token
_CHARACTER = re.compile(r"\r\n|.", re.DOTALL)  # "\r\n" counts as one


@dataclass(frozen=True)
class _Sign:
    """A character as it is shown, and its surprisal in bits; None if the tokenizer drops it."""

    text: str
    bits: float | None


def coloured(surprise: Surprise, width: int) -> list[Text]:
    """Return a legend, and the text in lines of at most `width` columns; dropped characters are dim."""
    lines = (
        Text.assemble(*((sign.text, "dim" if sign.bits is None else SURPRISAL.style(sign.bits)) for sign in line))
        for line in _lines(surprise, width)
    )
    return [SURPRISAL.legend(_LEGEND), *lines]


def marked(surprise: Surprise, width: int) -> list[Text]:
    """Return the text without colour; below each line are the bits of its characters from 2 on, + for 10 or more."""
    lines = [Text("below each line: bits of each character, from 2 on; + for 10 or more")]
    for line in _lines(surprise, width - 2):
        marks = "".join(_mark(sign.bits).ljust(cell_len(sign.text))[: cell_len(sign.text)] for sign in line).rstrip()
        lines += [Text("| " + "".join(sign.text for sign in line)), *([Text("  " + marks)] if marks else [])]
    return lines


def _mark(bits: float | None) -> str:
    if bits is None or bits < 2:
        return ""
    return "+" if bits >= 10 else str(int(bits))


def _lines(surprise: Surprise, width: int) -> Iterator[list[_Sign]]:
    """Yield the text in lines, broken at its newlines, and at spaces where a line is too wide."""
    line: list[_Sign] = []
    for aligned in surprise.alignments:
        bits = None if aligned.dropped else surprise.bits_per_character_of(aligned)
        for character in _CHARACTER.findall(aligned.text):
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
    """Return where to break a line whose last sign is too much: after its last space, or before that sign."""
    spaces = [index for index, sign in enumerate(line[:-1]) if sign.text == " "]
    return spaces[-1] + 1 if spaces else max(1, len(line) - 1)


def surprise_totals(surprise: Surprise) -> list[str]:
    """Return lines with the score and its caveats."""
    bits = surprise.bits_per_character
    per_character = f"{bits:.4f} bits per character ({bits * math.log(2):.4f} nats)"
    amounts = f"{quantity(len(surprise.text), 'character')}, {quantity(surprise.token_count, 'token')}"
    lines = [
        f"{per_character}, {surprise.nats_per_token:.4f} nats per token",
        f"{amounts}; the bits of a token are divided evenly among its characters",
    ]
    return [line for sentence in [*lines, *surprise.caveats()] for line in wrap_lines(sentence)]


def worst_tokens(surprise: Surprise) -> Table:
    """Return the most surprising tokens, the text before each, and the tokens that were more probable."""
    table = Table(box=None, pad_edge=False, header_style="")
    for name, width in (("bits", 4), ("p", 11), ("rank", 4), ("after", _CONTEXT)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("actual", no_wrap=True, min_width=5)
    table.add_column("more probable", no_wrap=True, overflow="ellipsis")
    for before, token in surprise.worst:
        after = visible_text(before)[-_CONTEXT:].replace(" ", "␣")
        cells = (
            f"{token.bits:.1f}",
            one_in(token.nats),
            f"{token.rank:,}",
            after,
            visible_label(token.label),
            _more_probable(token),
        )
        table.add_row(*map(Text, cells))
    return table


def _more_probable(token: TokenSurprise) -> str:
    predictions = token.predictions[: min(3, (token.rank or 1) - 1)]
    return "  ".join(f"{visible_label(guess.label)} {percentage(guess.probability).strip()}" for guess in predictions)
