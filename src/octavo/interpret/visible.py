"""Text for people to look at: labels of tokens, in which all is seen, and running text, whose words stay whole."""

import unicodedata
from collections.abc import Container

from octavo.terminal import CONTROL, escaped, shown

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "\\r"}  # a token "\r" is half of a line end
_JOINERS = "\u200c\u200d"  # are spelling between two letters
_NO_LETTER = "◌"  # the usual sign for what a combining mark stands on


def visible(label: str) -> str:
    """Return the label of a token with a sign for each line end, space and tab.

    What else does not show is written as \\xa0 or \\u200b. Joiners stay where they join something, and a combining
    mark that has no letter stands on a dotted circle.
    """
    return _based("".join(_SIGNS.get(c) or c for c in _written_out(label, _SIGNS)))


def in_text(label: str) -> str:
    """Return the label of a token that stands among others as text: spaces and line ends of all kinds are kept."""
    spaces = {*_SIGNS, *(c for c in label if unicodedata.category(c) == "Zs")}
    return _based("".join(c if c in " \n" else _SIGNS.get(c) or c for c in _written_out(label, spaces)))


def running(text: str, *, lines: bool = False) -> str:
    """Return running text with a sign for each tab and for each line end, unless its `lines` are kept.

    Control characters are written out; joiners and spaces of all kinds stay, so that words stay whole.
    """
    text = shown(text).replace("\t", _SIGNS["\t"])
    return text if lines else text.replace("\n", _SIGNS["\n"])


def _written_out(label: str, kept: Container[str]) -> list[str]:
    """Return the characters of a label, by their numbers those that do not show and are not `kept`."""
    label = label.replace("\r\n", "\n")
    return [c if c in kept or _shows(label, place) else escaped(c) for place, c in enumerate(label)]


def _shows(label: str, place: int) -> bool:
    """Return whether a character of a label is to be seen, or acts on what is seen around it."""
    character = label[place]
    if character in _JOINERS:
        return 0 < place < len(label) - 1
    if "\ufe00" <= character <= "\ufe0f":  # says how the character before it is drawn
        return place > 0
    return character.isprintable() and not CONTROL.match(character)


def _based(label: str) -> str:
    """Return a label whose first combining mark, if it begins with one, stands on a dotted circle."""
    return _NO_LETTER + label if label and unicodedata.category(label[0]).startswith("M") else label
