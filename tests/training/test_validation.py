"""The look at text that is not trained on."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from octavo.config import Config, ModelConfig, TrainConfig
from octavo.data.windows import Windows
from octavo.model import Transformer
from octavo.training.validation import ValidationPlan, mean_loss, plan_validations, spread_indices

IDS = np.random.Generator(np.random.PCG64(1)).integers(1, 20, 500).astype(np.uint16)
WINDOWS = Windows(IDS, 10, 3, bos_id=0)
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
    indices = spread_indices(WINDOWS, count)
    assert len(indices) == expected
    assert len(set(indices.tolist())) == expected
    if expected > 1:
        assert (indices[0], indices[-1]) == (0, 163)
        gaps = np.diff(indices)
        assert gaps.max() - gaps.min() <= 1


def config(**train: Any) -> Config:
    return Config(train=TrainConfig(**train))


@pytest.mark.parametrize(
    ("seconds_per_window", "expected"),
    [
        (0.0001, ValidationPlan(20, 128)),
        (0.0006, ValidationPlan(20, 62)),  # of 1.5 s there are 0.075 for each, and 0.0012 for both parts' windows
        (0.004, ValidationPlan(20, 9)),
        (0.01, ValidationPlan(9, 8)),
        (0.03, ValidationPlan(4, 6)),
        (1.0, ValidationPlan(4, 1)),
    ],
)
def test_a_budget_of_minutes_spends_no_more_than_a_twentieth_on_validation(
    seconds_per_window: float, expected: ValidationPlan
) -> None:
    found = plan_validations(config(minutes=0.5), seconds_per_window, windows=1000)
    assert found == expected
    if found.windows > 1:
        assert 2 * found.times * found.windows * seconds_per_window <= 0.05 * 30


def test_early_stopping_keeps_as_many_validations_as_it_waits_for() -> None:
    assert plan_validations(config(minutes=0.5, patience=7), 0.01, 1000) == ValidationPlan(9, 8)
    assert plan_validations(config(minutes=0.5, patience=7), 0.02, 1000) == ValidationPlan(9, 4)
    assert plan_validations(config(minutes=0.5, patience=30), 0.02, 1000) == ValidationPlan(20, 1)


def test_a_short_held_out_part_needs_no_fewer_windows() -> None:
    assert plan_validations(config(minutes=0.5), 0.004, windows=9) == ValidationPlan(20, 128)


@pytest.mark.parametrize(
    "train",
    [{"steps": 5}, {"minutes": 0.5, "validation_windows": 0}, {"minutes": 0.5, "validate_every": 10}],
    ids=str,
)
def test_what_is_asked_for_outright_stays(train: dict[str, Any]) -> None:
    assert plan_validations(config(**train), 1.0, 1000) == ValidationPlan(
        windows=config(**train).train.validation_windows
    )


def test_long_windows_are_read_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    indices, whole = np.arange(len(WINDOWS)), mean_loss(MODEL, WINDOWS, np.arange(len(WINDOWS)))
    monkeypatch.setattr("octavo.config.shapes._MAX_NUMBERS", 10 * 48 * 3)  # three windows of ten tokens of 48 numbers
    seen: list[int] = []
    gather = Windows.gather

    def counted(windows: Windows, indices: Any, *phase: Any) -> Any:
        seen.append(len(indices))
        return gather(windows, indices, *phase)

    monkeypatch.setattr(Windows, "gather", counted)
    assert mean_loss(MODEL, WINDOWS, indices) == pytest.approx(whole, rel=1e-6)
    assert set(seen) == {3, len(indices) % 3 or 3}
