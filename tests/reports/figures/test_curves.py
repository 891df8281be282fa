"""Pictures of how training went."""

import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.reports.figures.curves import curves_figure, draw_curves
from octavo.reports.figures.files import save_figure
from octavo.reports.series import TrainingCurve


def events(*losses: float) -> list[dict[str, Any]]:
    return [
        {"event": "step", "step": i, "epoch": i / 10, "seconds": i / 5, "loss": loss, "nats_per_character": loss / 2}
        | {"steps_per_second": 1.0, "tokens_per_second": 100.0}
        for i, loss in enumerate(losses, 1)
    ]


def test_a_figure_for_each_axis_as_png_and_svg(trained: Run, tmp_path: Path) -> None:
    paths = draw_curves(TrainingCurve("a title", trained.metrics), tmp_path / "curves")
    assert [path.name for path in paths] == [
        f"{axis}.{kind}" for axis in ("steps", "epochs", "seconds") for kind in ("png", "svg")
    ]
    for path in paths:
        content = path.read_bytes()
        assert len(content) > 10_000
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", content[16:24])
            assert (width, height) > (1000, 300)
        else:
            assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    assert len({path.read_bytes() for path in paths}) == 6
    assert sorted(path.name for path in (tmp_path / "curves").iterdir()) == sorted(path.name for path in paths)


@pytest.mark.parametrize(
    "losses", [(3.0,), (3.0, 3.0, 3.0), (1000.0, 900.0, 1200.0), (1e30, 1.0), (0.0, 0.0)], ids=str
)
def test_any_losses_can_be_drawn(tmp_path: Path, losses: tuple[float, ...]) -> None:
    """One axis stands for all: they differ in how the steps are counted."""
    assert len(save_figure(curves_figure(TrainingCurve("x", events(*losses))), tmp_path / "x", ("png", "svg"))) == 2


@pytest.mark.parametrize(("losses", "marker"), [((3.0,), "o"), ((3.0, 2.0), "None")])
def test_one_line_of_metrics_is_a_point_that_can_be_seen(losses: tuple[float, ...], marker: str) -> None:
    (line,) = curves_figure(TrainingCurve("x", events(*losses))).axes[0].get_lines()
    assert line.get_marker() == marker


@pytest.mark.parametrize("title", ["日本", "a_b$c^d", "größe", ""])
def test_any_title(tmp_path: Path, title: str) -> None:
    assert (
        len(save_figure(curves_figure(TrainingCurve(title, events(3.0, 2.0))), tmp_path / "x", ("png", "svg"))) == 2
    )


def test_a_run_without_metrics_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match="x has no metrics yet"):
        draw_curves(TrainingCurve("x", []), tmp_path / "curves")
    assert not (tmp_path / "curves").exists()
