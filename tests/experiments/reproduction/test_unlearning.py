"""The validation loss over the weight norm."""

import numpy as np

from octavo.experiments.reproduction.figures import WeightPoint, unlearning_figure

LOOKS = [WeightPoint(200, 5.4, 5.3, 240.0), WeightPoint(400, 5.0, 4.9, 100.0), WeightPoint(600, 5.56, 5.55, 40.0)]


def test_two_panels_over_the_same_steps() -> None:
    above, below = unlearning_figure(LOOKS, floor=5.5305, title="a run").axes
    validation, train, floor = above.lines
    assert np.asarray(validation.get_xdata()).tolist() == np.asarray(train.get_xdata()).tolist() == [200, 400, 600]
    assert np.asarray(validation.get_ydata()).tolist() == [5.4, 5.0, 5.56]
    assert np.asarray(train.get_ydata()).tolist() == [5.3, 4.9, 5.55]
    assert np.asarray(floor.get_ydata()).tolist() == [5.5305] * 2
    assert floor.get_label() == "token frequencies alone: 5.5305"
    assert np.asarray(below.lines[0].get_ydata()).tolist() == [240.0, 100.0, 40.0]
    assert below.get_ylim()[0] == 0
    assert below.get_ylim()[1] > 240, "no marker is cut in two"
    assert above.get_xlim() == below.get_xlim()
    assert (above.get_ylabel(), below.get_ylabel(), below.get_xlabel()) == (
        "loss, nats per token",
        "weight norm",
        "step",
    )
