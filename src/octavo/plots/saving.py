"""A figure becomes files: whole or not there, and the same figure the same file."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.files import write_atomically
from octavo.plots.style import in_own_style

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
