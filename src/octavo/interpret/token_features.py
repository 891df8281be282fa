"""Marks: what each token of a text is: the start of a line, punctuation, and whose speech it stands in.

They are found in the text, of which tokens are only pieces: so a byte that is part of a dash is punctuation, and
lines are known even where the tokenizer drops white space. N tokens.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from octavo.interpret.tokens import Alignment

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_WORD = r"[^\W\d_][\w'’.-]*"
# At most five words; the first begins with a capital, and so do others or they are short: KING, Duke of York.
_NAME = re.compile(rf"[ \t]*({_WORD}(?:[ \t]+{_WORD}){{0,4}})[ \t]*:[ \t]*\r?")
_SHORT = 3  # letters


@dataclass(frozen=True)
class TokenFeatures:
    """Of each token (N,): whether a line begins with it, whether it is punctuation alone, and the tokens of the last
    name of a speaker that was complete by then, from `name_begin` to before `name_end`; equal: there was none."""

    line_start: Flags
    punctuation: Flags
    name_begin: Indices
    name_end: Indices

    def __len__(self) -> int:
        return len(self.line_start)


def token_features(text: str, pieces: Sequence[Alignment], tokens: int) -> TokenFeatures:
    """The marks of the `tokens` tokens of `text`, whose pieces they make."""
    line_start, punctuation = np.zeros(tokens, np.bool_), np.zeros(tokens, np.bool_)
    name_begin, name_end = np.zeros(tokens, np.int64), np.zeros(tokens, np.int64)
    # of each character the tokens that stand for it; one that was dropped lies before token `first`, which is `last`
    lengths = [len(piece.text) for piece in pieces]
    first = np.repeat([piece.begin for piece in pieces], lengths)
    last = np.repeat([piece.end for piece in pieces], lengths)
    for piece in pieces:
        punctuation[piece.begin : piece.end] = _is_punctuation(piece.text)
    for begin, end in line_spans(text):
        line_start[first[begin] : first[begin] + 1] = True
        if name := _speaker(text[begin:end]):
            complete = last[begin + text[begin:end].rindex(":")] - 1
            name_begin[complete:] = first[begin + name.start(1)]
            name_end[complete:] = last[begin + name.end(1) - 1]
    return TokenFeatures(line_start, punctuation, name_begin, name_end)


def line_spans(text: str) -> list[tuple[int, int]]:
    """Where each line that is not blank begins and ends, in characters."""
    ends = [-1, *(found.start() for found in re.finditer(r"\n|\r(?!\n)", text)), len(text)]
    return [(before + 1, end) for before, end in pairwise(ends) if text[before + 1 : end].strip()]


def _speaker(line: str) -> re.Match[str] | None:
    """The name in a line that is nothing but a name and a colon."""
    found = _NAME.fullmatch(line)
    if not found:
        return None
    first, *others = found[1].split()
    named = first[0].isupper() and all(word[0].isupper() or len(word) <= _SHORT for word in others)
    return found if named else None


def _is_punctuation(text: str) -> bool:
    seen = text.strip()
    return bool(seen) and all(unicodedata.category(character).startswith("P") for character in seen)
