"""Colour the background of text on a terminal: the higher a quantity, the stronger the colour.

Letters on a colour are black, which is legible on all of them, whatever the colours of the terminal are.
"""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


def make_console() -> Console:
    """Return standard output, as wide as the terminal (80 columns without one), which takes no text as markup."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def in_colour(console: Console) -> bool:
    """Return whether colours are shown: not in a file or a pipe, and not where NO_COLOR is set."""
    return console.color_system is not None and not console.no_color


@dataclass(frozen=True)
class ColourScale:
    """The colours of a quantity: each applies from its bound on; below the first of `bounds` there is no colour."""

    bounds: tuple[float, ...]
    colours: tuple[str, ...]

    def style(self, value: float) -> str:
        """Return the style of a text with this value."""
        step = bisect_right(self.bounds, value)
        return f"#000000 on {self.colours[step - 1]}" if step else ""

    def legend(self, names: Sequence[str]) -> Text:
        """Return the names of the steps in their colours; the first step has none."""
        styles = ["", *(f"#000000 on {colour}" for colour in self.colours)]
        pairs = zip(names, styles, strict=True)
        return Text(" ").join(Text(f" {name} ", style) for name, style in pairs)


SURPRISAL = ColourScale((2, 4, 6, 9), ("#ffe8ad", "#ffc46b", "#ff955c", "#f7747a"))  # bits per character
PROBABILITY = ColourScale((0.05, 0.2, 0.5, 0.8), ("#e0edff", "#b3d4ff", "#7fb8f7", "#56a3e8"))


def percentage(probability: float) -> str:
    """Return a probability in five characters: ``<0.1%``, `` 0.3%``, ``  87%``, ``99.7%``, `` 100%``."""
    if 0 < probability < 0.0005:
        return "<0.1%"
    near_a_bound = probability < 0.0995 or 0.995 <= probability < 0.9995
    return f"{probability:5.1%}" if near_a_bound else f"{probability:5.0%}"
