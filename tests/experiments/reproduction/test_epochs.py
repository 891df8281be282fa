"""Epochs and looks out of a run's metrics."""

import math
from typing import Any

import pytest

from octavo.experiments.reproduction.epochs import (
    LossPoint,
    epoch_rows,
    find_unlearning,
    first_epoch_points,
    loss_points,
    lowest_point,
    sample_points,
)


def looks(*losses: float, per_epoch: int = 100) -> tuple[LossPoint, ...]:
    return tuple(LossPoint(i, i / per_epoch, loss, loss - 0.1, 250.0 - i) for i, loss in enumerate(losses, 1))


def test_rows_and_looks_are_read_from_the_metrics() -> None:
    common = {"step": 7, "epoch": 1.0, "seconds": 3.0}
    metrics: list[dict[str, Any]] = [
        {"event": "step", **common, "loss": 9.0},
        {"event": "validation", **common, "loss": 5.2, "part": "validation"},  # of before there was more to a look
        {"event": "validation", **common, "loss": 5.0, "train_loss": 4.9, "weight_norm": 200.0, "part": "validation"},
        {"event": "epoch", **common, "train_loss": 5.2663, "validation_loss": 5.5497},
        {"event": "epoch", **common | {"epoch": 2.0004}, "train_loss": 5.5, "validation_loss": 800.0},
    ]
    first, second = epoch_rows(metrics)
    assert (first.epoch, first.train_loss, first.validation_loss) == (1, 5.2663, 5.5497)
    assert first.validation_perplexity == pytest.approx(math.exp(5.5497))
    assert second.epoch == 2
    assert math.isfinite(second.validation_perplexity)
    assert loss_points(metrics) == (LossPoint(7, 1.0, 5.0, 4.9, 200.0),)


def test_what_was_seen_of_a_slice_of_the_training_part_is_no_validation_loss() -> None:
    common = {"step": 7, "epoch": 1.0, "seconds": 3.0}
    look = {
        "event": "validation",
        **common,
        "loss": 5.0,
        "train_loss": 4.9,
        "weight_norm": 2.0,
        "part": "train-slice",
    }
    epoch = {"event": "epoch", **common, "train_loss": 4.9, "validation_loss": 4.75}
    assert loss_points([look, epoch]) == ()
    assert epoch_rows([look, epoch]) == (), "an earlier version noted the loss on the slice"
    (row,) = epoch_rows([look, epoch | {"part": "validation", "validation_loss": 9.76}])
    assert row.validation_loss == 9.76


def test_the_first_epoch_ends_at_its_end() -> None:
    assert [look.step for look in first_epoch_points(looks(*[5.0] * 9, per_epoch=4))] == [1, 2, 3, 4]


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 1), (8, 8), (9, 8), (28, 8), (200, 8)])
def test_some_looks_are_few_and_hold_the_ends_and_the_lowest(count: int, rows: int) -> None:
    given = looks(*(5.5 - 0.3 * (i == count * 2 // 3 + 1) for i in range(count)))
    some = sample_points(given)
    assert len(some) in (rows, max(rows - 1, 0))
    assert [look.step for look in some] == sorted({look.step for look in some})
    if given:
        assert {given[0], given[-1], lowest_point(given)} <= set(some)


class TestUnlearned:
    def test_what_rose_again(self) -> None:
        lost = find_unlearning(looks(5.4, 5.1, 5.0, 5.5))
        assert lost is not None
        assert (lost.lowest.validation_loss, lost.last.validation_loss) == (5.0, 5.5)

    @pytest.mark.parametrize("losses", [(), (5.0,), (5.4, 5.2, 5.1), (5.4, 5.1, 5.12), (5.4, 5.6, 5.0)])
    def test_what_did_not(self, losses: tuple[float, ...]) -> None:
        assert find_unlearning(looks(*losses)) is None
