"""Loss and perplexity over the epochs, next to the report's."""

import math

import numpy as np
import pytest
from matplotlib.axes import Axes

from octavo.experiments.reproduction.epochs import LossPoint
from octavo.experiments.reproduction.figures import epochs_figure
from octavo.experiments.reproduction.reported import EpochRow

HERE = [EpochRow(1, 5.2, 5.5, 0.0), EpochRow(2, 5.5, 5.4, 0.0)]
REPORTED = [EpochRow(1, 5.3, 5.6, 0.0), EpochRow(2, 5.6, 5.5, 0.0), EpochRow(3, 5.5, 5.5, 0.0)]
POINTS = [
    LossPoint(i, epoch, loss, loss, 1.0) for i, (epoch, loss) in enumerate([(0.01, 6.2), (0.5, 5.0), (1.5, 5.5)])
]


def lines(axes: Axes) -> dict[str, tuple[list[float], list[float], str]]:
    return {
        str(line.get_label()): (
            np.asarray(line.get_xdata()).tolist(),
            np.asarray(line.get_ydata()).tolist(),
            str(line.get_linestyle()),
        )
        for line in axes.lines
    }


def test_two_panels_ours_and_the_reports() -> None:
    figure = epochs_figure(HERE, REPORTED, POINTS, floor=5.53, title="a run")
    loss, perplexity = figure.axes
    assert (loss.get_ylabel(), perplexity.get_ylabel()) == ("loss, nats per token", "perplexity per token")
    drawn = lines(loss)
    assert drawn == {
        "training loss (with dropout), here": ([1, 2], [5.2, 5.5], "-"),
        "validation split, here": ([1, 2], [5.5, 5.4], "-"),
        "training loss (with dropout), the report": ([1, 2, 3], [5.3, 5.6, 5.5], "--"),
        "validation split, the report": ([1, 2, 3], [5.6, 5.5, 5.5], "--"),
        "validation split, within the epochs": ([0.01, 0.5, 1.5], [6.2, 5.0, 5.5], "-"),
        "unigram baseline": ([0, 1], [5.53, 5.53], ":"),
    }
    for name, (x, y, style) in lines(perplexity).items():
        assert (x, style) == (drawn[name][0], drawn[name][2])
        assert y == pytest.approx([math.exp(loss) for loss in drawn[name][1]])
    low, high = loss.get_ylim()
    assert low < 5.0 < 5.6 < high < 6.2, "the first points, near the uniform baseline, do not set the scale"


def test_without_a_finished_epoch_only_what_there_is() -> None:
    figure = epochs_figure([], REPORTED, POINTS[:1])
    assert set(lines(figure.axes[0])) == {
        "training loss (with dropout), the report",
        "validation split, the report",
        "validation split, within the epochs",
    }


@pytest.mark.parametrize("loss", [0.0, 1e6])
def test_any_losses(loss: float) -> None:
    figure = epochs_figure([EpochRow(1, loss, loss, 0.0)], [])
    assert all(math.isfinite(limit) for axes in figure.axes for limit in axes.get_ylim())
