"""Figures depend on no setting of Matplotlib that a user has, and leave all of them as they are."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from octavo.reports.figures.files import save_figure
from octavo.reports.figures.style import in_own_style, own_style

ODD: Any = {
    "text.usetex": True,
    "font.family": ["no such font"],
    "font.size": 30.0,
    "axes.facecolor": "black",
    "axes.formatter.use_mathtext": True,
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "savefig.dpi": 20.0,
    "figure.autolayout": True,
    "lines.linestyle": ":",
    "svg.fonttype": "none",
}


@in_own_style
def a_figure() -> Figure:
    figure = Figure(figsize=(3, 2), layout="constrained")
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], label="a line")
    axes.set_xlabel("a label")
    axes.legend()
    return figure


def files(folder: Path) -> list[bytes]:
    folder.mkdir()
    return [path.read_bytes() for path in save_figure(a_figure(), folder / "a", ("png", "svg"))]


def test_odd_settings_change_no_byte_and_are_left_alone(tmp_path: Path) -> None:
    expected = files(tmp_path / "a")
    with mpl.rc_context(ODD):
        before = dict(mpl.rcParams.copy())
        assert files(tmp_path / "b") == expected
        assert dict(mpl.rcParams.copy()) == before


def test_the_level_of_the_logger_is_the_users() -> None:
    log = logging.getLogger("matplotlib")
    level = log.level
    with own_style():
        assert log.level == logging.ERROR
    assert log.level == level


# Imports what draws the curves under settings that stop a plain import, then looks at what is left of them.
IMPORTED = """
import os, sys
from octavo.reports.figures.style import own_style
with own_style():
    import matplotlib
    from matplotlib.figure import Figure
    size = matplotlib.rcParams["font.size"]
print(size, matplotlib.rcParams["font.size"], os.environ["MPLBACKEND"], os.getcwd() == sys.argv[1])
import matplotlib.backends.backend_agg, matplotlib.font_manager
"""


@pytest.mark.parametrize(
    ("settings", "kept"), [(b"font.size: 30\nfont.nonsense: 3\n", "30.0"), (b"font.size: 30\n# caf\xe9\n", "10.0")]
)
def test_it_is_imported_with_an_unknown_backend_and_settings_that_cannot_be_read(
    tmp_path: Path, settings: bytes, kept: str
) -> None:
    (tmp_path / "matplotlibrc").write_bytes(settings)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, tmp_path],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Qt4Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["10.0", kept, "Qt4Agg", "True"]
