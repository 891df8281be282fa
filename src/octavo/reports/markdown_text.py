"""Markdown tables, code blocks and escaped text. Text of other people never becomes markup.

Importing this takes no torch.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from octavo.system.terminal import escape_controls

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&~])")
_LINK = re.compile(r"([^\s\\`<>|]*(?:://|www\.|@)[^\s\\`<>|]*)", re.IGNORECASE)  # becomes a link without brackets


def plain(text: str) -> str:
    """Escape text of a paragraph or a table cell.

    An address becomes code: GitHub makes a link even of an escaped one.
    """
    parts = _LINK.split(escape_controls(text).replace("\n", " "))
    return "".join(f"`{part}`" if n % 2 else _SPECIAL.sub(r"\\\1", part) for n, part in enumerate(parts))


def inline_code(text: str) -> str:
    """Return text as code within a line, such that it can be copied; control characters are escaped."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{escape_controls(text)}{pad}{fence}"


def fenced(text: str) -> str:
    """Return text as a code block, whose fence is longer than any back-quotes in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def markdown_table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    escape: Callable[[Any], str] = plain,
    aligned: bool = False,
) -> str:
    """Return a table of rows below a head.

    Args:
        head: the titles of the columns.
        rows: the cells; the first of each row names it.
        escape: turns each cell into Markdown; ``str`` for cells that are Markdown already.
        aligned: pad the cells, so that the table can also be read as plain text, and align all columns but the first
            to the right.
    """
    lines = [list(map(escape, head)), *(list(map(escape, row)) for row in rows)]
    rules = ["---"] * len(head)
    if aligned:
        widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
        lines = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
        rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rules, *lines[1:]))
