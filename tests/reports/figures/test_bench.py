"""Bars of ratios."""

import numpy as np
from matplotlib.patches import Rectangle

from octavo.bench.measure import BenchComparison, Measurement
from octavo.reports.figures.bench import bench_figure


def measured(name: str, *rates: float) -> Measurement:
    return Measurement(name, "w", 1, "steps", "fp32", rates)


def test_a_panel_a_comparison_with_the_range_over_rounds() -> None:
    one = BenchComparison("a step", (measured("plain", 1, 2, 4), measured("fast", 2, 6, 16)))
    left_out = BenchComparison("another", (), ("It was left out.",))
    figure = bench_figure([one, left_out], ["a machine"])
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "a step"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["plain", "fast"]
    assert [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] == [1, 3]
    assert np.asarray(axes.lines[1].get_xdata()).tolist() == [2, 4]
    assert {text.get_text() for text in axes.texts} == {"1", "3"}


def test_nothing_measured_is_an_empty_figure() -> None:
    assert not bench_figure([]).axes
