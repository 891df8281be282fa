"""Bars of perplexities beside the histogram of batch losses."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from octavo.experiments.reproduction.figures import perplexities_figure

LOSSES = [5.0, 5.1, 5.1, 5.6]


def rectangles(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_bars_and_the_mean_of_the_histogram() -> None:
    bars = {"validation": 251.56, "as reported": 1.17, "done right": 248.94}
    left, right = perplexities_figure(bars, LOSSES, floor=252.27, title="a run").axes
    assert [label.get_text() for label in left.get_xticklabels()] == list(bars)
    assert [bar.get_height() for bar in rectangles(left)] == list(bars.values())
    assert {"251.56", "1.17", "248.94"} <= {text.get_text() for text in left.texts}
    assert np.asarray(left.lines[0].get_ydata()).tolist() == [252.27, 252.27]
    assert sum(bar.get_height() for bar in rectangles(right)) == len(LOSSES)
    (mean,) = right.lines
    assert np.asarray(mean.get_xdata()).tolist() == [np.mean(LOSSES)] * 2
    assert mean.get_label() == "mean 5.2000"


def test_without_a_floor_there_is_no_line() -> None:
    left, _ = perplexities_figure({"validation": 2.0}, [0.5]).axes
    assert not left.lines
    assert left.get_legend() is None
