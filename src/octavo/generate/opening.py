"""Choose where a text without a prompt begins.

Training windows begin anywhere in the text, so after the start token alone a model begins in mid-sentence. It begins
a document or a line where it reads first what stands before those in its training text, which is not shown.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from octavo.data import Ids, check_ids, open_splits
from octavo.errors import OctavoError
from octavo.tokenizer import Tokenizer

_MANY = 30  # documents: a text of fewer is known by heart where they begin
_LOOKED_AT = 1 << 22  # tokens, for the ends of documents
_STRETCHES, _LENGTH = 16, 1024  # of tokens all over the text, for line breaks
_RARE = 50  # blank lines are what parts the text if one of so many lines is blank


def find_opening(ids: Ids, tokenizer: Tokenizer) -> list[int]:
    """The tokens after which something begins in a training text of `ids`: where it has many documents, the end of
    one and the start token; else a blank line, or a line break where blank lines are rare. Empty: it has no lines, or
    the tokenizer no start token."""
    start = tokenizer.bos_id
    if start is None or not len(ids):
        return []
    beginning = np.asarray(ids[:_LOOKED_AT])
    borders = np.flatnonzero(beginning[1:] == start)
    ends = beginning[borders][beginning[borders] != start]
    if len(borders) >= _MANY and len(ends):
        return [int(np.bincount(ends).argmax()), start]
    begins = np.unique(np.linspace(0, max(0, len(ids) - _LENGTH), _STRETCHES).astype(np.int64))
    return _before_lines([ids[begin : begin + _LENGTH].tolist() for begin in begins], tokenizer.token_bytes())


def opening_of_run(data: Path, tokenizer: Tokenizer) -> list[int]:
    """The same from a run's folder ``data``; empty if the text is not there or is damaged."""
    try:
        part = open_splits(data)["train"]
        check_ids({part.name: part}, tokenizer.vocab_size)
    except OctavoError:
        return []
    return find_opening(part.ids, tokenizer)


def _before_lines(stretches: list[list[int]], table: list[bytes]) -> list[int]:
    """The most frequent tokens that end with what parts the text."""
    texts = [b"".join([table[token] for token in stretch]) for stretch in stretches]

    def count(what: bytes) -> int:
        return sum(text.count(what) for text in texts)

    line = b"\r\n" if 2 * count(b"\r\n") > count(b"\n") else b"\n" if count(b"\n") else b"\r"
    border = 2 * line if _RARE * count(2 * line) >= count(line) else line
    found = Counter(
        tail for stretch in stretches for end in range(len(stretch)) if (tail := _tail(stretch, end, border, table))
    )
    return list(found.most_common(1)[0][0]) if found else []


def _tail(stretch: list[int], end: int, border: bytes, table: list[bytes]) -> tuple[int, ...]:
    """The last tokens of `stretch` up to the one at `end` that hold all of `border`, with which they end; or none."""
    text = b""
    for begin in range(end, -1, -1):
        text = table[stretch[begin]] + text
        if len(text) >= len(border):
            return tuple(stretch[begin : end + 1]) if text.endswith(border) else ()
    return ()
