"""Write figures as files, and find fonts for letters that DejaVu Sans lacks.

A file is written completely or not at all, and the same figure gives the same file.
"""

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.formats.files import write_atomically
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 144
_SVG_METADATA = {"Date": None, "Creator": "Octavo"}  # without a date the same figure gives the same file
_MAX_PIXELS = 2**14  # of a side: larger pictures need gigabytes, and few programs open them
_DEFAULT_FONT = "DejaVu Sans"
_MISSING = "�"
_INVISIBLE = frozenset("\u200c\u200d" + "".join(map(chr, range(0xFE00, 0xFE10))))  # change the letters around them
_PREFERRED = ("noto sans cjk", "noto sans", "source han sans", "noto serif")  # beginnings of font names
_EXCLUDED = ("last resort", "lastresort", "color", "blank")  # have signs instead of letters, or only pictures
_MISSING_NOTE = "� stands for letters that no font of this machine has: the page shows them"
_UNSHAPED_NOTE = "this version of matplotlib sets letters one by one, from left to right: the page shows them right"

_families: dict[str, str | None] = {}  # of letters that DejaVu Sans lacks; None: no font has it


def make_figure(width: float, height: float, title: str, fontsize: float = 11) -> "Figure":
    """Return an empty figure of a size in inches below its title, all of which :func:`drawable` can draw."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, fontsize=fontsize, parse_math=False)
    return figure


def open_frames(*panels: Any) -> None:
    """Remove the upper and the right border of panels."""
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)


@in_own_style
def save_figure(figure: "Figure", path: Path, kinds: Sequence[str] = ("png",)) -> list[Path]:
    """Write `figure` as ``path.KIND`` for each of `kinds` (``png``, ``svg``); return the paths.

    Its layout, which all files share, is fixed from then on.

    Raises:
        OSError: the folder cannot be written to.
    """
    import matplotlib  # here: its import takes longer than most commands

    dpi = min(_DPI, _MAX_PIXELS / max(figure.get_size_inches()))
    figure.set_dpi(dpi)
    settle_layout(figure)
    paths = []
    for kind in kinds:
        content = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "octavo"}):
            figure.savefig(content, format=kind, dpi=dpi, metadata=_SVG_METADATA if kind == "svg" else None)
        paths.append(path.with_name(f"{path.name}.{kind}"))
        write_atomically(paths[-1], content.getvalue())
    return paths


@in_own_style
def settle_layout(figure: "Figure") -> None:
    """Lay `figure` out once for all files: that takes longer than drawing."""
    import matplotlib

    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    with matplotlib.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # "none" would leave a placeholder engine, for which each file is drawn twice


def drawable(text: str) -> str:
    """Return `text` with � for every character that no installed font can draw."""
    (drawn,) = all_drawable([text])
    return drawn


def all_drawable(texts: Sequence[str]) -> list[str]:
    """Return the texts as :func:`drawable` does, after one search of the installed fonts for all of them."""
    _search(texts)
    return ["".join(map(_drawable_letter, text)) for text in texts]


@in_own_style
def with_installed_fonts(figure: "Figure", texts: Iterable[str]) -> "Figure":
    """Set the fonts that the `texts` of a figure need, and note below it what no font can draw; return the figure."""
    from matplotlib.text import Text

    letters = set("".join(texts))
    _search(letters)
    others = sorted({family for letter in letters if (family := _families.get(letter))}, key=_order)
    for text in figure.findobj(Text) if others else ():
        assert isinstance(text, Text)
        text.set_fontfamily([_DEFAULT_FONT, *others])
    notes = [_MISSING_NOTE] * any(
        letter.isprintable() and _drawable_letter(letter) == _MISSING != letter for letter in letters
    )
    notes += [_UNSHAPED_NOTE] * (any(map(_needs_shaping, letters)) and not _shapes())
    if notes:
        below = [note for note in (figure.get_supxlabel(), *notes) if note]
        figure.supxlabel("\n".join(below), fontsize=8.5, parse_math=False)
    return figure


def notes_of(figure: "Figure") -> list[str]:
    """Return the notes that :func:`with_installed_fonts` wrote below a figure."""
    return [note for note in (_MISSING_NOTE, _UNSHAPED_NOTE) if note in figure.get_supxlabel()]


def _drawable_letter(letter: str) -> str:
    """Return a character as it can be drawn: nothing for an invisible one, � for one that no font has."""
    if letter.isprintable() or letter in _INVISIBLE or unicodedata.category(letter) == "Zs":
        if ord(letter) in _default_letters() or _families.get(letter):
            return letter
        if letter in _INVISIBLE:
            return ""
    return _MISSING


@in_own_style
def _search(texts: Iterable[str]) -> None:
    """Find a font for every character that DejaVu Sans lacks, and remember it."""
    wanted = {letter for text in texts for letter in text if ord(letter) not in _default_letters()} - _families.keys()
    wanted -= {letter for letter in wanted if not letter.isprintable()}
    wanted -= _find_families(wanted)
    if wanted and _add_new_fonts():
        wanted -= _find_families(wanted)
    _families.update(dict.fromkeys(wanted))


def _find_families(wanted: set[str]) -> set[str]:
    """Remember a family for each of the `wanted` letters that one has; return these letters."""
    found = set[str]()
    for family, path in _other_families() if wanted else ():
        if letters := _letters_of(path, wanted - found):
            letters = _letters_of(_file_of(family), letters)  # mostly the same file: matplotlib draws with this
            _families.update(dict.fromkeys(letters, family))
            found |= letters
            if found == wanted:
                break
    return found


@cache
def _add_new_fonts() -> bool:
    """Add fonts that were installed after matplotlib made its list; return whether there are any."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    before = len(fontManager.ttflist)
    for path in sorted({*findSystemFonts()} - {font.fname for font in fontManager.ttflist}):
        with suppress(OSError, RuntimeError, ValueError, KeyError):  # damaged, or of bitmaps
            fontManager.addfont(path)
    return len(fontManager.ttflist) > before


@cache
@in_own_style
def _default_letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(_DEFAULT_FONT)).get_charmap())


def _other_families() -> Iterator[tuple[str, str]]:
    """Yield the other installed families, ordered by name, with a regular file of each."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager

    own, files = Path(get_data_path()), dict[str, tuple[bool, int, str]]()
    for font in fontManager.ttflist:
        if own not in Path(font.fname).parents and not any(word in font.name.lower() for word in _EXCLUDED):
            weight = font.weight if isinstance(font.weight, int) else 400
            file = (font.style != "normal", abs(weight - 400), font.fname)
            files[font.name] = min(file, files.get(font.name, file))
    for family in sorted(files, key=_order):
        yield family, files[family][-1]


def _file_of(family: str) -> str:
    """Return the file that matplotlib uses for a family."""
    from matplotlib.font_manager import FontProperties, fontManager

    return str(fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False))


def _order(family: str) -> tuple[int, str]:
    name = family.lower()
    return next((rank for rank, words in enumerate(_PREFERRED) if name.startswith(words)), len(_PREFERRED)), family


def _letters_of(path: str, letters: Iterable[str]) -> set[str]:
    """Return the `letters` that a font file has; none if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return set()
    return {letter for letter in letters if font.get_char_index(ord(letter))}


def _needs_shaping(letter: str) -> bool:
    """Return whether a character runs from right to left, or changes the form of its neighbours."""
    return unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) == "Mc"


@cache
def _shapes() -> bool:
    """Return whether matplotlib orders and joins letters, which it does since 3.11."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")
