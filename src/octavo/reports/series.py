"""The training curves of a run as series of points, with the one table of axes, names and units that pages and
figures share.

A long run has more lines of metrics than a picture shows. Neighbouring lines are then combined: a point has their
mean, minimum and maximum, so the mean over points is the mean over lines and no spike is lost.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from octavo.config import SPLIT_LABELS

BITS, NATS = "bits per character", "nats per token"
AXES = {"step": "steps", "epoch": "epochs", "seconds": "seconds of training", "tokens": "tokens read"}
TRAIN, TRAIN_SPLIT = "train", "train-split"  # the logged loss; the loss of a validation pass over the training split
LABELS = {
    TRAIN: "training loss (with dropout)",
    TRAIN_SPLIT: "training split (without dropout)",
    **SPLIT_LABELS,
}
NOISY_PANELS = ("loss", "gradient", "speed")  # a line of metrics is one batch, so neighbours differ by chance
_MAX_POINTS = 400  # of a series on a page of one run
_MIN_POINTS = 60  # the limit on a page of many runs

Values = npt.NDArray[np.float64]
_Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TrainingCurve:
    """The name of a run and the lines of its ``metrics.jsonl``.

    `tokens_per_character` of the training split converts the loss on it to bits per character; None: unknown.
    `bpe_dropout_until` is the fraction of the budget until which the training text is tokenized with BPE-dropout.
    """

    name: str
    metrics: _Records
    tokens_per_character: float | None = None
    bpe_dropout_until: float = 0.0

    @property
    def note(self) -> str:
        """Return the effect of BPE-dropout on the training loss in a sentence or two; "" without BPE-dropout."""
        if not self.bpe_dropout_until:
            return ""
        ends = self.bpe_dropout_until < 1
        when = f"For the first {100 * self.bpe_dropout_until:.3g} % of the budget" if ends else "All the time"
        note = (
            f"{when} the training text is tokenized with BPE-dropout, which splits words at random into smaller "
            "tokens. The training loss of such text is not comparable with the other curves: it has more tokens and "
            "more bits per character."
        )
        return f"{note} Where BPE-dropout ends, the training loss steps down in bits per character." if ends else note


@dataclass(frozen=True)
class Points:
    """P points, each of `lines` lines of metrics. Values: mean, minimum and maximum (3, P), by their unit."""

    panel: str  # loss, rate, gradient, speed or weights
    kind: str  # one of LABELS
    lines: float
    at: dict[str, Values]  # the coordinate of each point (P,) on each of AXES
    values: dict[str, Values]

    @property
    def noisy(self) -> bool:
        """Return whether neighbours differ by chance, so that a running mean says more."""
        return self.kind == TRAIN and self.panel in NOISY_PANELS


def points_of(curve: TrainingCurve, runs: int = 1) -> list[Points]:
    """Return every series of a run that shares its picture with `runs` runs in all; none without lines of metrics."""
    return [*loss_points(curve, runs), *_other_points(curve, runs)]


def loss_points(curve: TrainingCurve, runs: int = 1) -> list[Points]:
    """Return the losses of a run: the logged training loss, and those of the validation passes on both splits.

    Raises:
        LookupError, TypeError, ValueError: a line of metrics lacks what its kind should have.
    """
    steps, validations = _by_event(curve)
    series: list[Points] = []
    if steps:
        series.append(_points(steps, steps, runs, "loss", TRAIN, _losses(steps)))
    if validations:
        make = partial(_points, validations, steps, runs, "loss")
        if all("train_loss" in record for record in validations):  # earlier versions did not measure it
            per_token = [record["train_loss"] for record in validations]
            values = {NATS: per_token}
            if curve.tokens_per_character:
                values = {BITS: [v * curve.tokens_per_character / math.log(2) for v in per_token]} | values
            series.append(make(TRAIN_SPLIT, values))
        split = validations[-1].get("part", "validation")
        series.append(make(split if split in SPLIT_LABELS else "validation", _losses(validations)))
    return series


def _other_points(curve: TrainingCurve, runs: int) -> list[Points]:
    steps, validations = _by_event(curve)
    fields = {"rate": "learning_rate", "gradient": "gradient_norm", "speed": "tokens_per_second"}
    series = []
    for panel, field in fields.items() if steps else ():
        unit = "tokens per second" if panel == "speed" else ""
        series.append(_points(steps, steps, runs, panel, TRAIN, {unit: [record[field] for record in steps]}))
    if validations and all("weight_norm" in record for record in validations):
        norms = [record["weight_norm"] for record in validations]
        series.append(_points(validations, steps, runs, "weights", TRAIN, {"": norms}))
    return series


def _by_event(curve: TrainingCurve) -> tuple[_Records, _Records]:
    """Return the lines of training steps and those of validation passes."""
    steps, validations = (
        [record for record in curve.metrics if record.get("event") == event] for event in ("step", "validation")
    )
    return steps, validations


def _losses(records: _Records) -> dict[str, list[float]]:
    bits = [record["nats_per_character"] / math.log(2) for record in records]
    return {BITS: bits, NATS: [record["loss"] for record in records]}


def _points(
    records: _Records, steps: _Records, runs: int, panel: str, kind: str, values: Mapping[str, Sequence[float]]
) -> Points:
    """Combine neighbouring `records` and their `values` by unit into points; `steps` tell the tokens read."""
    count = min(max(_MIN_POINTS, _MAX_POINTS // runs), len(records))
    borders = np.linspace(0, len(records), count + 1).astype(np.int64)
    begins, sizes = borders[:-1], np.diff(borders)

    def means(of: Values) -> Values:
        mean: Values = np.add.reduceat(of, begins) / sizes
        return mean

    def combined(of: Values) -> Values:
        return np.stack([means(of), np.minimum.reduceat(of, begins), np.maximum.reduceat(of, begins)])

    at = {axis: np.array([record[axis] for record in records], np.float64) for axis in AXES if axis != "tokens"}
    at["tokens"] = np.interp(at["step"], *_tokens_read(steps))
    return Points(
        panel,
        kind,
        len(records) / count,
        {axis: means(coordinates) for axis, coordinates in at.items()},
        {unit: combined(np.array(numbers, np.float64)) for unit, numbers in values.items()},
    )


def _tokens_read(steps: _Records) -> tuple[Values, Values]:
    """Return step numbers, from 0, and the tokens read by each."""
    at = np.array([0, *(record["step"] for record in steps)], np.float64)
    each = [record["tokens_per_second"] / record["steps_per_second"] for record in steps]
    return at, np.concatenate([[0.0], np.cumsum(np.diff(at) * np.array(each))])
