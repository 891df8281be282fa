"""Figures as files."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from octavo.reports.figures.files import save_figure


def a_figure() -> Figure:
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([1, 2], [3, 4])
    return figure


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    first, again = (save_figure(a_figure(), tmp_path / name, ("png", "svg")) for name in ("a.b", "c"))
    assert [path.name for path in first + again] == ["a.b.png", "a.b.svg", "c.png", "c.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert ET.fromstring(first[1].read_bytes()).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_figure_is_laid_out_once(tmp_path: Path) -> None:
    figure = Figure(figsize=(4, 3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2])
    right.plot([1, 2], [3, 4])
    figure.legend(left.plot([1, 2], [3, 4]), ["a line"], loc="outside right upper")
    first, again = (save_figure(figure, tmp_path / name, ("png", "svg")) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_a_figure_that_is_laid_out_is_drawn_once_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    draw = Figure.draw

    def counted(figure: Figure, renderer: Any) -> None:
        drawn.append(figure)
        draw(figure, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    figure = Figure(figsize=(4, 3), layout="constrained")
    axes = figure.subplots()
    figure.colorbar(axes.imshow([[1, 2], [3, 4]]), ax=axes)
    save_figure(figure, tmp_path / "a", ("png", "svg"))
    assert len(drawn) == 1 + 2, "to lay it out, and for the two files"
    save_figure(figure, tmp_path / "b", ("png", "svg"))
    assert len(drawn) == 1 + 2 + 2


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    save_figure(a_figure(), tmp_path / "a")
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(a_figure(), tmp_path / "a", ("nonsense",))
    with pytest.raises(FileNotFoundError):
        save_figure(a_figure(), tmp_path / "nowhere" / "a")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.png": before}


def test_however_large_a_figure_its_picture_can_be_opened(tmp_path: Path) -> None:
    for inches in (3, 300):
        figure = Figure(figsize=(inches, 1))
        figure.text(0, 0, "x")
        (path,) = save_figure(figure, tmp_path / "a")
        width = int.from_bytes(path.read_bytes()[16:20], "big")
        assert width == min(144 * inches, 2**14)
