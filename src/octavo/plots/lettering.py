"""What the figures' font can draw."""

from functools import cache

from octavo.plots.style import in_own_style


def drawable(text: str) -> str:
    """`text` with � for every character that the figures' font cannot draw."""
    return "".join(letter if letter.isprintable() and ord(letter) in _letters() else "�" for letter in text)


@cache
@in_own_style
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont("DejaVu Sans")).get_charmap())
