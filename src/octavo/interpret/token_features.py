"""Find what each token of a text is: a line start, punctuation, and part of whose speech. N tokens.

The features are found in the characters, which tokens may divide: a byte of a dash is punctuation, and lines are
known even if the tokenizer drops white space.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.interpret.tokens import Alignment

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_WORD = r"[^\W\d_][\w'’.-]*"
# At most five words. The first begins with a capital letter; so do the others, unless they are short: Duke of York.
_NAME = re.compile(rf"[ \t]*({_WORD}(?:[ \t]+{_WORD}){{0,4}})[ \t]*:[ \t]*\r?")
_SHORT_WORD = 3  # letters


class TokenFeatures(NamedTuple):
    """The features of each token, (N,).

    The last speaker's name that is complete at a token has the tokens `name_begin` to `name_end` (exclusive); the two
    are equal where there is none.
    """

    line_start: Flags  # whether a line begins with the token
    punctuation: Flags  # whether the token is only punctuation
    name_begin: Indices
    name_end: Indices


def token_features(text: str, alignments: Sequence[Alignment], tokens: int) -> TokenFeatures:
    """Return the features of the `tokens` tokens of `text`, which are in `alignments`."""
    line_start, punctuation = np.zeros(tokens, np.bool_), np.zeros(tokens, np.bool_)
    name_begin, name_end = np.zeros(tokens, np.int64), np.zeros(tokens, np.int64)
    # The tokens of each character are first to last (exclusive); the two are equal for a dropped character.
    lengths = [len(alignment.text) for alignment in alignments]
    first = np.repeat([alignment.begin for alignment in alignments], lengths)
    last = np.repeat([alignment.end for alignment in alignments], lengths)
    for alignment in alignments:
        punctuation[alignment.begin : alignment.end] = _is_punctuation(alignment.text)
    for begin, end in line_spans(text):
        line_start[first[begin] : first[begin] + 1] = True
        if name := _speaker(text[begin:end]):
            complete = last[begin + text[begin:end].rindex(":")] - 1
            name_begin[complete:] = first[begin + name.start(1)]
            name_end[complete:] = last[begin + name.end(1) - 1]
    return TokenFeatures(line_start, punctuation, name_begin, name_end)


def line_spans(text: str) -> list[tuple[int, int]]:
    """Return begin and end of each line that is not blank, in characters."""
    ends = [-1, *(match.start() for match in re.finditer(r"\n|\r(?!\n)", text)), len(text)]
    return [(before + 1, end) for before, end in pairwise(ends) if text[before + 1 : end].strip()]


def _speaker(line: str) -> re.Match[str] | None:
    """Return the match of the name in a line that is only a name and a colon."""
    match = _NAME.fullmatch(line)
    if not match:
        return None
    first, *others = match[1].split()
    named = first[0].isupper() and all(word[0].isupper() or len(word) <= _SHORT_WORD for word in others)
    return match if named else None


def _is_punctuation(text: str) -> bool:
    text = text.strip()
    return bool(text) and all(unicodedata.category(character).startswith("P") for character in text)
