"""Epochs and validation points, read from a run's metrics."""

import math
from typing import Any

import pytest

from octavo.experiments.reproduction.epochs import (
    LossPoint,
    epoch_rows,
    find_unlearning,
    first_epoch_points,
    lowest_point,
    sample_points,
    validation_curve,
)


def curve(*losses: float, per_epoch: int = 100) -> tuple[LossPoint, ...]:
    return tuple(LossPoint(i, i / per_epoch, loss, loss - 0.1, 250.0 - i) for i, loss in enumerate(losses, 1))


def test_epochs_and_points_are_read_from_the_metrics() -> None:
    common = {"step": 7, "epoch": 1.0, "seconds": 3.0}
    metrics: list[dict[str, Any]] = [
        {"event": "step", **common, "loss": 9.0},
        {"event": "validation", **common, "loss": 5.2, "part": "validation"},  # of an earlier version
        {"event": "validation", **common, "loss": 5.0, "train_loss": 4.9, "weight_norm": 200.0, "part": "validation"},
        {"event": "epoch", **common, "train_loss": 5.2663, "validation_loss": 5.5497},
        {"event": "epoch", **common | {"epoch": 2.0004}, "train_loss": 5.5, "validation_loss": 800.0},
    ]
    first, second = epoch_rows(metrics)
    assert (first.epoch, first.train_loss, first.validation_loss) == (1, 5.2663, 5.5497)
    assert first.validation_perplexity == pytest.approx(math.exp(5.5497))
    assert second.epoch == 2
    assert math.isfinite(second.validation_perplexity)
    assert validation_curve(metrics) == (LossPoint(7, 1.0, 5.0, 4.9, 200.0),)


def test_a_loss_on_the_early_stopping_split_is_not_a_validation_loss() -> None:
    common = {"step": 7, "epoch": 1.0, "seconds": 3.0}
    point = {
        "event": "validation",
        **common,
        "loss": 5.0,
        "train_loss": 4.9,
        "weight_norm": 2.0,
        "part": "train-slice",
    }
    epoch = {"event": "epoch", **common, "train_loss": 4.9, "validation_loss": 4.75}
    assert validation_curve([point, epoch]) == ()
    assert epoch_rows([point, epoch]) == (), "an earlier version recorded the loss on the early-stopping split"
    (row,) = epoch_rows([point, epoch | {"part": "validation", "validation_loss": 9.76}])
    assert row.validation_loss == 9.76


def test_the_first_epoch_ends_at_its_end() -> None:
    assert [point.step for point in first_epoch_points(curve(*[5.0] * 9, per_epoch=4))] == [1, 2, 3, 4]


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 1), (8, 8), (9, 8), (28, 8), (200, 8)])
def test_the_sample_is_small_and_has_the_ends_and_the_lowest_point(count: int, rows: int) -> None:
    given = curve(*(5.5 - 0.3 * (i == count * 2 // 3 + 1) for i in range(count)))
    some = sample_points(given)
    assert len(some) in (rows, max(rows - 1, 0))
    assert [point.step for point in some] == sorted({point.step for point in some})
    if given:
        assert {given[0], given[-1], lowest_point(given)} <= set(some)


class TestUnlearned:
    def test_a_loss_that_rose_again(self) -> None:
        lost = find_unlearning(curve(5.4, 5.1, 5.0, 5.5))
        assert lost is not None
        assert [point.validation_loss for point in lost] == [5.0, 5.5]

    @pytest.mark.parametrize("losses", [(), (5.0,), (5.4, 5.2, 5.1), (5.4, 5.1, 5.12), (5.4, 5.6, 5.0)])
    def test_a_loss_that_did_not_rise(self, losses: tuple[float, ...]) -> None:
        assert find_unlearning(curve(*losses)) is None
