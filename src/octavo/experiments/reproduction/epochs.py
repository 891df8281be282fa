"""The run's epochs, and the looks within the first one, out of its metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import perplexity
from octavo.experiments.reproduction.reported import EpochRow
from octavo.runs import Record

_ROWS = 8  # of the table of looks
_ROSE = 0.03  # nats per token: more than a look at a few windows wavers by


@dataclass(frozen=True)
class LossPoint:
    """A look within an epoch at some windows of each part: losses in nats per token, and the weights' length."""

    step: int
    epoch: float
    validation_loss: float
    train_loss: float
    weight_norm: float


@dataclass(frozen=True)
class Unlearning:
    """Where the first epoch was lowest and where it ended, if that is clearly higher."""

    lowest: LossPoint
    last: LossPoint


def epoch_rows(metrics: Sequence[Record]) -> tuple[EpochRow, ...]:
    """Return the epochs that were finished, with the loss on the held-out part.

    An earlier Octavo looked at the slice of the training part that a run stops early by, where it had one, and noted
    no part: those epochs are left out.
    """
    aside = any(event.get("part") == "train-slice" for event in metrics)
    return tuple(
        EpochRow(
            round(event["epoch"]),
            event["train_loss"],
            event["validation_loss"],
            perplexity(event["validation_loss"]),
        )
        for event in metrics
        if event["event"] == "epoch" and event.get("part", "train-slice" if aside else "validation") == "validation"
    )


def loss_points(metrics: Sequence[Record]) -> tuple[LossPoint, ...]:
    """Return every small look of the run at the held-out part, in order; runs of an older Octavo noted no weights.

    A run that stops early by a slice of its training part looked at that alone, so it has none.
    """
    return tuple(
        LossPoint(event["step"], event["epoch"], event["loss"], event["train_loss"], event["weight_norm"])
        for event in metrics
        if event["event"] == "validation"
        and "weight_norm" in event
        and event.get("part", "validation") == "validation"
    )


def first_epoch_points(looks: Sequence[LossPoint]) -> tuple[LossPoint, ...]:
    """Those of the first epoch."""
    return tuple(look for look in looks if look.epoch <= 1)


def sample_points(looks: Sequence[LossPoint]) -> list[LossPoint]:
    """About eight of them: evenly spread, and the lowest."""
    if len(looks) <= _ROWS:
        return list(looks)
    spread = {round(i * (len(looks) - 1) / (_ROWS - 2)) for i in range(_ROWS - 1)}
    return [looks[i] for i in sorted(spread | {looks.index(lowest_point(looks))})]


def lowest_point(looks: Sequence[LossPoint]) -> LossPoint:
    """The look with the lowest validation loss."""
    return min(looks, key=lambda look: look.validation_loss)


def find_unlearning(looks: Sequence[LossPoint]) -> Unlearning | None:
    """What was learned in these looks and lost again before the last; None if nothing was."""
    if not looks or looks[-1].validation_loss < lowest_point(looks).validation_loss + _ROSE:
        return None
    return Unlearning(lowest_point(looks), looks[-1])
