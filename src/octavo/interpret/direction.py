"""The direction in which a text is read."""

import re
import unicodedata
from collections.abc import Iterable

from octavo.interpret.tokens import BOS_LABEL

_BYTES = re.compile("(?:⟨[0-9a-f]{2}⟩)+")
_RIGHT_TO_LEFT = ("R", "AL")


def text_direction(labels: Iterable[str]) -> str:
    """Return "rtl" if most letters of the tokens' text are read from right to left, or else "ltr".

    The first letter, by which a browser would decide, is often a name in another script.
    """
    text = _BYTES.sub(lambda found: _decoded(found[0]), "".join(label for label in labels if label != BOS_LABEL))
    kinds = [unicodedata.bidirectional(character) for character in text]
    rightward, leftward = kinds.count("L"), sum(map(kinds.count, _RIGHT_TO_LEFT))
    return "rtl" if leftward > rightward else "ltr"


def is_placeholder(label: str) -> bool:
    """Return whether a token's label names what is no text: the start, or a part of a character."""
    return label == BOS_LABEL or _BYTES.search(label) is not None


def _decoded(label: str) -> str:
    """Return the characters of bytes in hexadecimal, of which some may be missing."""
    return bytes.fromhex(re.sub("[⟨⟩]+", " ", label)).decode("utf-8", errors="ignore")
