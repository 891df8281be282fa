"""Colour behind text on a terminal: the stronger, the more there is of something; where there is no colour, none.

Letters on a colour are black, which reads well on all of them, whatever the terminal's own colours are.
"""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


def make_console() -> Console:
    """Standard output, as wide as the terminal, or 80 columns where there is none; nothing in a text is markup."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def in_colour(console: Console) -> bool:
    """Whether colours are shown: not in a file or a pipe, nor where NO_COLOR asks for none."""
    return console.color_system is not None and not console.no_color


@dataclass(frozen=True)
class Scale:
    """Steps of a quantity, each with its colour; below the first of `bounds` there is none."""

    bounds: tuple[float, ...]
    colours: tuple[str, ...]

    def style(self, value: float) -> str:
        """The style of text that stands for `value`."""
        step = bisect_right(self.bounds, value)
        return f"#000000 on {self.colours[step - 1]}" if step else ""

    def legend(self, names: Sequence[str]) -> Text:
        """The steps side by side, by their names; the first is that without a colour."""
        styles = ["", *(f"#000000 on {colour}" for colour in self.colours)]
        pairs = zip(names, styles, strict=True)
        return Text(" ").join(Text(f" {name} ", style) for name, style in pairs)


SURPRISE = Scale((2, 4, 6, 9), ("#ffe8ad", "#ffc46b", "#ff955c", "#f7747a"))  # bits per character
PROBABILITY = Scale((0.05, 0.2, 0.5, 0.8), ("#e0edff", "#b3d4ff", "#7fb8f7", "#56a3e8"))


def per_cent(probability: float) -> str:
    """A probability for people, in five characters: ``<0.1%``, `` 0.3%``, ``  87%``, ``99.7%``, `` 100%``."""
    if 0 < probability < 0.0005:
        return "<0.1%"
    close = probability < 0.0995 or 0.995 <= probability < 0.9995
    return f"{probability:5.1%}" if close else f"{probability:5.0%}"
