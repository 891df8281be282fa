"""The validation loss over the weight norm."""

import numpy as np

from octavo.experiments.reproduction.epochs import LossPoint
from octavo.experiments.reproduction.figures import unlearning_figure

POINTS = [
    LossPoint(200, 0.1, 5.4, 5.3, 240.0),
    LossPoint(400, 0.2, 5.0, 4.9, 100.0),
    LossPoint(600, 0.3, 5.56, 5.55, 40.0),
]


def test_two_panels_over_the_same_steps() -> None:
    above, below = unlearning_figure(POINTS, floor=5.5305, title="a run").axes
    validation, train, floor = above.lines
    assert np.asarray(validation.get_xdata()).tolist() == np.asarray(train.get_xdata()).tolist() == [200, 400, 600]
    assert np.asarray(validation.get_ydata()).tolist() == [5.4, 5.0, 5.56]
    assert np.asarray(train.get_ydata()).tolist() == [5.3, 4.9, 5.55]
    assert np.asarray(floor.get_ydata()).tolist() == [5.5305] * 2
    assert floor.get_label() == "unigram baseline: 5.5305"
    assert np.asarray(below.lines[0].get_ydata()).tolist() == [240.0, 100.0, 40.0]
    assert below.get_ylim()[0] == 0
    assert below.get_ylim()[1] > 240, "no marker is cut in two"
    assert above.get_xlim() == below.get_xlim()
    assert (above.get_ylabel(), below.get_ylabel(), below.get_xlabel()) == (
        "loss, nats per token",
        "weight norm",
        "step",
    )
