"""The epochs of a run, and the validation points within the first one, read from its metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import perplexity
from octavo.experiments.reproduction.reported import EpochRow
from octavo.runs import Record

_TABLE_ROWS = 8  # of validation points
_MIN_RISE = 0.03  # nats per token: more than the noise of a validation point of a few windows


@dataclass(frozen=True)
class LossPoint:
    """A validation point: losses of some windows of each split (nats per token) and weight norm."""

    step: int
    epoch: float
    validation_loss: float
    train_loss: float
    weight_norm: float


def epoch_rows(metrics: Sequence[Record]) -> tuple[EpochRow, ...]:
    """Return the finished epochs whose loss is of the validation split.

    An earlier version recorded the loss on the early-stopping split without naming it; those epochs are left out.
    """
    early_stopping = any(event.get("part") == "train-slice" for event in metrics)
    default = "train-slice" if early_stopping else "validation"
    return tuple(
        EpochRow(
            round(event["epoch"]),
            event["train_loss"],
            event["validation_loss"],
            perplexity(event["validation_loss"]),
        )
        for event in metrics
        if event["event"] == "epoch" and event.get("part", default) == "validation"
    )


def validation_curve(metrics: Sequence[Record]) -> tuple[LossPoint, ...]:
    """Return all validation points of the validation split, in order.

    Points that an earlier version recorded without a weight norm are left out. A run that validates on an
    early-stopping split has none.
    """
    return tuple(
        LossPoint(event["step"], event["epoch"], event["loss"], event["train_loss"], event["weight_norm"])
        for event in metrics
        if event["event"] == "validation"
        and "weight_norm" in event
        and event.get("part", "validation") == "validation"
    )


def first_epoch_points(points: Sequence[LossPoint]) -> tuple[LossPoint, ...]:
    """Return the points of the first epoch."""
    return tuple(point for point in points if point.epoch <= 1)


def sample_points(points: Sequence[LossPoint]) -> list[LossPoint]:
    """Return at most eight points for a table: evenly spaced ones and the lowest."""
    if len(points) <= _TABLE_ROWS:
        return list(points)
    spaced = {round(i * (len(points) - 1) / (_TABLE_ROWS - 2)) for i in range(_TABLE_ROWS - 1)}
    return [points[i] for i in sorted(spaced | {points.index(lowest_point(points))})]


def lowest_point(points: Sequence[LossPoint]) -> LossPoint:
    """Return the point with the lowest validation loss."""
    return min(points, key=lambda point: point.validation_loss)


def find_unlearning(points: Sequence[LossPoint]) -> tuple[LossPoint, LossPoint] | None:
    """Return the lowest and the last point if the validation loss rose clearly between them, else None."""
    if not points or points[-1].validation_loss < lowest_point(points).validation_loss + _MIN_RISE:
        return None
    return lowest_point(points), points[-1]
