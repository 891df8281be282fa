"""The moving average of the weights against its definition."""

import pytest
import torch
from torch import nn

from octavo.training.state import WeightAverage


def test_it_is_the_moving_average_with_a_fast_start() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average, expected = WeightAverage(model, 0.5), 0.0
    for step, value in enumerate([1.0, 4.0, -2.0, 8.0, 16.0, 1.0, 1.0, 0.0, 3.0, 5.0]):
        nn.init.constant_(model.weight, value)
        average.update(model, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(average.tensors["weight"]) == pytest.approx(expected, rel=1e-6)
    assert torch.equal(model.weight, torch.tensor([[5.0]])), "the model's own weights are left alone"
