"""Text of a model or a person in Markdown, of which Markdown takes nothing for its own."""

import re
from collections.abc import Iterable, Sequence

from octavo.terminal import shown

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


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows below a head, all of plain text."""
    lines = [list(map(plain, head)), ["---"] * len(head), *(list(map(plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
