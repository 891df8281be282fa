"""A figure becomes files: whole or not there, and the same figure the same file.

The fonts of the figures: DejaVu Sans, and for letters that it lacks others that are installed.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.formats.files import write_atomically
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_DPI = 144
_OF_SVG = {"Date": None, "Creator": "Octavo"}  # without a date the same figure is the same file
_MOST_PIXELS = 2**14  # of a side: larger pictures need gigabytes, and few programs open them


@in_own_style
def save_figure(figure: "Figure", place: Path, kinds: Sequence[str] = ("png",)) -> list[Path]:
    """Write `figure` as ``place.KIND`` for each of `kinds` (``png``, ``svg``); returns the paths.

    Its layout, which is the same in all of them, is settled from here on.

    Raises:
        OSError: the folder cannot be written to.
    """
    import matplotlib  # here: it takes longer to import than most commands run

    dpi = min(_DPI, _MOST_PIXELS / max(figure.get_size_inches()))
    figure.set_dpi(dpi)
    settle_layout(figure)
    paths = []
    for kind in kinds:
        content = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "octavo"}):
            figure.savefig(content, format=kind, dpi=dpi, metadata=_OF_SVG if kind == "svg" else None)
        paths.append(place.with_name(f"{place.name}.{kind}"))
        write_atomically(paths[-1], content.getvalue())
    return paths


@in_own_style
def settle_layout(figure: "Figure") -> None:
    """Lay `figure` out, once for all kinds of files: that takes longer than drawing."""
    import matplotlib

    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    with matplotlib.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # "none" would leave a stand-in, for which each file is drawn twice


_USUAL = "DejaVu Sans"
_MISSING = "�"
_UNSEEN = frozenset("\u200c\u200d" + "".join(map(chr, range(0xFE00, 0xFE10))))  # act on the letters around them
_FIRST = ("noto sans cjk", "noto sans", "source han sans", "noto serif")  # of the names of fonts
_NEVER = ("last resort", "lastresort", "color", "blank")  # have signs in place of letters, or only pictures
_LACKS = "� stands for letters that no font of this machine has: the page shows them"
_UNSHAPED = "this version of matplotlib sets letters one by one, from left to right: the page shows them right"

_families: dict[str, str | None] = {}  # of letters that DejaVu Sans lacks; None: no font has it


def drawable(text: str) -> str:
    """Return `text` with � for every character that no installed font can draw."""
    (drawn,) = all_drawable([text])
    return drawn


def all_drawable(texts: Sequence[str]) -> list[str]:
    """Return the texts as :func:`drawable` does, after one search of the installed fonts for all of them."""
    _search(texts)
    return ["".join(map(_drawn, text)) for text in texts]


@in_own_style
def with_installed_fonts(figure: "Figure", texts: Iterable[str]) -> "Figure":
    """Give a figure the fonts that its `texts` need; return it. What no font can draw is said below it."""
    from matplotlib.text import Text

    letters = set("".join(texts))
    _search(letters)
    others = sorted({family for letter in letters if (family := _families.get(letter))}, key=_order)
    for text in figure.findobj(Text) if others else ():
        assert isinstance(text, Text)
        text.set_fontfamily([_USUAL, *others])
    notes = [_LACKS] * any(letter.isprintable() and _drawn(letter) == _MISSING != letter for letter in letters)
    notes += [_UNSHAPED] * (any(map(_needs_shaping, letters)) and not _shapes())
    if notes:
        below = [words for words in (figure.get_supxlabel(), *notes) if words]
        figure.supxlabel("\n".join(below), fontsize=8.5, parse_math=False)
    return figure


def notes_of(figure: "Figure") -> list[str]:
    """Return what :func:`with_installed_fonts` said below a figure."""
    return [note for note in (_LACKS, _UNSHAPED) if note in figure.get_supxlabel()]


def _drawn(letter: str) -> str:
    """Return a character as it is drawn: nothing for what is not seen, � for what no font has."""
    if letter.isprintable() or letter in _UNSEEN or unicodedata.category(letter) == "Zs":
        if ord(letter) in _usual_letters() or _families.get(letter):
            return letter
        if letter in _UNSEEN:
            return ""
    return _MISSING


@in_own_style
def _search(texts: Iterable[str]) -> None:
    """Find a font for every character that DejaVu Sans lacks; one that was searched for is known from then on."""
    wanted = {letter for text in texts for letter in text if ord(letter) not in _usual_letters()} - _families.keys()
    wanted -= {letter for letter in wanted if not letter.isprintable()}
    for family, path in _others() if wanted else ():
        if found := _held(path, wanted):
            found = _held(_file_of(family), found)  # nearly always the same file, but this one is taken for drawing
            _families.update(dict.fromkeys(found, family))
            if not (wanted := wanted - found):
                return
    _families.update(dict.fromkeys(wanted))


@cache
@in_own_style
def _usual_letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(_USUAL)).get_charmap())


def _others() -> Iterator[tuple[str, str]]:
    """Yield the other installed families, in an order of their names alone, and a regular file of each."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager

    own, files = Path(get_data_path()), dict[str, tuple[bool, int, str]]()
    for font in fontManager.ttflist:
        if own not in Path(font.fname).parents and not any(word in font.name.lower() for word in _NEVER):
            weight = font.weight if isinstance(font.weight, int) else 400
            file = (font.style != "normal", abs(weight - 400), font.fname)
            files[font.name] = min(file, files.get(font.name, file))
    for family in sorted(files, key=_order):
        yield family, files[family][-1]


def _file_of(family: str) -> str:
    """Return the file that matplotlib takes for a family."""
    from matplotlib.font_manager import FontProperties, fontManager

    return str(fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False))


def _order(family: str) -> tuple[int, str]:
    name = family.lower()
    return next((place for place, words in enumerate(_FIRST) if name.startswith(words)), len(_FIRST)), family


def _held(path: str, letters: Iterable[str]) -> set[str]:
    """Return which of `letters` a font file has; none of one that cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return set()
    return {letter for letter in letters if font.get_char_index(ord(letter))}


def _needs_shaping(letter: str) -> bool:
    """Return whether a character runs from right to left, or changes the form of those beside it."""
    return unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) == "Mc"


@cache
def _shapes() -> bool:
    """Return whether matplotlib turns and joins letters, which it does since 3.11."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")
