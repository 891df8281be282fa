"""The figure is readable with any names, numbers and failures."""

import itertools
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from octavo.experiments import Spec, figure, read_spec
from octavo.experiments.figure import draw_experiment
from octavo.experiments.results import CellResult, summarise

MakeRow = Callable[..., CellResult]
LONG = "a-variant-with-a-name-of-sixty-letters-that-nobody-would-read"[:60]


def spec_of(names: Sequence[str], **values: Any) -> Spec:
    return read_spec({"seeds": [1, 2, 3], "variants": {name: {} for name in names}} | values)


def drawn(spec: Spec, rows: list[CellResult]) -> Figure:
    made: Figure = figure._figure(spec, rows, summarise(spec, rows))
    canvas: Any = FigureCanvasAgg(made)
    canvas.draw()
    return made


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_png_and_svg_the_same_for_the_same_rows(make_row: MakeRow, tmp_path: Path) -> None:
    spec = spec_of(["a", "b"], title="A question?")
    rows = [make_row(v, s) for v in ("a", "b") for s in (1, 2, 3)]
    paths = draw_experiment(spec, rows, summarise(spec, rows), tmp_path)
    assert [path.name for path in paths] == ["figure.png", "figure.svg"]
    first = [path.read_bytes() for path in paths]
    assert struct.unpack(">II", first[0][16:24]) > (800, 300)
    assert ET.fromstring(first[1]).tag == "{http://www.w3.org/2000/svg}svg"
    draw_experiment(spec, rows, summarise(spec, rows), tmp_path)
    assert [path.read_bytes() for path in paths] == first


def test_nothing_scored_draws_nothing(tmp_path: Path) -> None:
    spec = spec_of(["a"])
    rows = [CellResult("a", 1, "a-seed1", failure="x")]
    assert draw_experiment(spec, rows, summarise(spec, rows), tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_long_names_do_not_overlap(make_row: MakeRow) -> None:
    names = [LONG, LONG[:-1] + "x", *(f"variant-{i}" for i in range(12))]
    made = drawn(spec_of(names), [make_row(name, s) for name in names for s in (1, 2, 3)])
    boxes = [label.get_window_extent() for label in made.axes[0].get_yticklabels()]
    assert len(boxes) == len(names)
    for above, below in itertools.pairwise(boxes):
        assert above.y0 >= below.y1
    inside = made.axes[0].get_window_extent()
    assert all(box.x0 >= 0 and box.x1 <= inside.x0 for box in boxes)


def test_every_seed_is_a_ring_and_every_mean_a_diamond_in_bits(make_row: MakeRow) -> None:
    rows = [make_row(v, s) for v in ("a", "b") for s in (1, 2, 3)]
    scores, differences = drawn(spec_of(["a", "b"]), rows).axes[:2]

    def marks(axes: Any, marker: str) -> list[list[float]]:
        return [list(line.get_xdata()) for line in axes.lines if line.get_marker() == marker]

    assert marks(scores, "o") == [[row.bits_per_character for row in rows if row.variant == v] for v in ("a", "b")]
    assert marks(scores, "D") == [[pytest.approx(sum(seeds) / 3)] for seeds in marks(scores, "o")]
    (paired,) = marks(differences, "o")
    first, second = marks(scores, "o")
    assert paired == [b - a for a, b in zip(first, second, strict=True)]


def test_an_outlier_is_a_number_at_the_edge_and_does_not_compress_the_rest(make_row: MakeRow) -> None:
    names = ["a", "b", "c", "d", "far"]
    abouts = [1.5, 1.52, 1.54, 1.56, 9.0]
    rows = [make_row(n, s, about=x) for n, x in zip(names, abouts, strict=True) for s in (1, 2, 3)]
    scores, differences = drawn(spec_of(names), rows).axes[:2]
    assert [text for text in texts(scores) if text.startswith(("13.0", "12.9"))]
    assert scores.get_xlim()[1] < 3
    assert differences.get_xlim()[1] < 1
    two = drawn(spec_of(["a", "far"]), [row for row in rows if row.variant in ("a", "far")]).axes[0]
    assert two.get_xlim()[1] > 8, "of two variants none is an outlier"


def test_failures_are_counted_next_to_the_name(make_row: MakeRow) -> None:
    rows = [make_row("a", 1), CellResult("b", 1, "b-seed1", failure="x"), CellResult("b", 2, "b-seed2", failure="x")]
    made = drawn(spec_of(["a", "b"]), rows)
    assert [label.get_text() for label in made.axes[0].get_yticklabels()] == ["a", "b\n(2 of 3 failed)"]


def test_scores_at_other_lengths_are_a_panel(make_row: MakeRow) -> None:
    spec = spec_of(["a", "b"], score={"contexts": [50, 100, 200]})
    rows = [
        make_row(v, s, at_context={"50": 1.5, "100": 1.6 + s / 100, "200": None}) for v in ("a", "b") for s in (1, 2)
    ]
    panel = drawn(spec, rows).axes[2]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["50", "100", "200"]
    legend = panel.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]


@pytest.mark.parametrize("title", ["日本", "a_b$c^d$", "größe", "x" * 300, ""])
def test_any_title(make_row: MakeRow, title: str) -> None:
    drawn(spec_of(["a"], title=title), [make_row("a", 1)])
