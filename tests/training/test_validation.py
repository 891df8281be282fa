"""The look at text that is not trained on."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from octavo.config import ModelConfig
from octavo.data import Windows
from octavo.model import Transformer
from octavo.training.validation import mean_loss, spread

IDS = np.random.Generator(np.random.PCG64(1)).integers(1, 20, 500).astype(np.uint16)
WINDOWS = Windows(IDS, 10, 3, start_id=0)
MODEL = Transformer(ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=24), 20, seed=3)


def test_it_is_the_mean_over_its_windows() -> None:
    indices = np.arange(len(WINDOWS))
    assert len(indices) > 2 * 64  # more than a batch, and a last one that is not full
    expected = []
    with torch.no_grad():
        for index in indices:
            x, y = WINDOWS.gather(np.array([index]))
            expected.append(float(F.cross_entropy(MODEL(x)[0], y[0])))
    assert mean_loss(MODEL, WINDOWS, indices) == pytest.approx(sum(expected) / len(expected), rel=1e-5)


def test_other_weights_can_stand_in_for_the_models() -> None:
    zeros = {name: torch.zeros_like(p) for name, p in MODEL.named_parameters()}
    before = {name: p.detach().clone() for name, p in MODEL.named_parameters()}
    assert mean_loss(MODEL, WINDOWS, np.arange(5), weights=zeros) == pytest.approx(np.log(20), rel=1e-6)
    assert all(torch.equal(before[name], p) for name, p in MODEL.named_parameters())


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (7, 7), (0, 164), (10_000, 164)])
def test_windows_are_spread_evenly(count: int, expected: int) -> None:
    assert len(WINDOWS) == 164
    indices = spread(WINDOWS, count)
    assert len(indices) == expected
    assert len(set(indices.tolist())) == expected
    if expected > 1:
        assert (indices[0], indices[-1]) == (0, 163)
        gaps = np.diff(indices)
        assert gaps.max() - gaps.min() <= 1
