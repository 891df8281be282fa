"""Loss and perplexity over the epochs, beside what is reported."""

import math

import numpy as np
import pytest
from matplotlib.axes import Axes

from octavo.experiments.reproduction.figures import CurvePoint, EpochPoint, epochs_figure

HERE = [EpochPoint(1, 5.2, 5.5), EpochPoint(2, 5.5, 5.4)]
REPORTED = [EpochPoint(1, 5.3, 5.6), EpochPoint(2, 5.6, 5.5), EpochPoint(3, 5.5, 5.5)]
LOOKS = [CurvePoint(0.01, 6.2), CurvePoint(0.5, 5.0), CurvePoint(1.5, 5.5)]


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
    figure = epochs_figure(HERE, REPORTED, LOOKS, floor=5.53, title="a run")
    loss, perplexity = figure.axes
    assert (loss.get_ylabel(), perplexity.get_ylabel()) == ("loss, nats per token", "perplexity per token")
    drawn = lines(loss)
    assert drawn == {
        "training, here": ([1, 2], [5.2, 5.5], "-"),
        "validation, here": ([1, 2], [5.5, 5.4], "-"),
        "training, the report": ([1, 2, 3], [5.3, 5.6, 5.5], "--"),
        "validation, the report": ([1, 2, 3], [5.6, 5.5, 5.5], "--"),
        "validation, small looks on the way": ([0.01, 0.5, 1.5], [6.2, 5.0, 5.5], "-"),
        "token frequencies alone": ([0, 1], [5.53, 5.53], ":"),
    }
    for name, (x, y, style) in lines(perplexity).items():
        assert (x, style) == (drawn[name][0], drawn[name][2])
        assert y == pytest.approx([math.exp(loss) for loss in drawn[name][1]])
    low, high = loss.get_ylim()
    assert low < 5.0 < 5.6 < high < 6.2, "the first looks, near chance, would press all the rest flat"


def test_without_a_finished_epoch_only_what_there_is() -> None:
    figure = epochs_figure([], REPORTED, LOOKS[:1])
    assert set(lines(figure.axes[0])) == {
        "training, the report",
        "validation, the report",
        "validation, small looks on the way",
    }


@pytest.mark.parametrize("loss", [0.0, 1e6])
def test_any_losses(loss: float) -> None:
    figure = epochs_figure([EpochPoint(1, loss, loss)], [])
    assert all(math.isfinite(limit) for axes in figure.axes for limit in axes.get_ylim())
