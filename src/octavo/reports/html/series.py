"""The lines of a run's metrics as series to draw.

Where there are more lines than a picture shows, neighbours are put together: a point has their mean, their lowest
and their highest value. So a mean over points is one over lines, and no spike is lost.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BITS, NATS = "bits per character", "nats per token"
AXES = {"step": "steps", "seconds": "seconds of training", "tokens": "tokens read"}
KINDS = {
    "train": "training, as it went",
    "held-out": "held-out text",
    "set-aside": "text set aside",
    "train-look": "training text, looked at alike",
}
_PARTS = {"validation": "held-out", "train-slice": "set-aside"}
_MOST = 400  # points of a series on a page of one run
_FEWEST = 60  # … and of many runs

Values = npt.NDArray[np.float64]
_Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TrainingCurve:
    """How a run went: its name and the lines of its ``metrics.jsonl``.

    `tokens_per_character` of the training part turns looks at it into bits per character; None: unknown.
    `bpe_dropout_until` is the share of the budget until which BPE-dropout cut the training text anew.
    """

    name: str
    metrics: _Records
    tokens_per_character: float | None = None
    bpe_dropout_until: float = 0.0

    @property
    def note(self) -> str:
        """What one must know to read its training curve; "": nothing."""
        if not self.bpe_dropout_until:
            return ""
        ends = self.bpe_dropout_until < 1
        when = f"Until {100 * self.bpe_dropout_until:.3g} % of the budget" if ends else "All along"
        return (
            f"{when} training cuts words at random into smaller tokens (BPE-dropout), and so long compares with no "
            "other curve: a text so cut costs more, each of its tokens less."
            + " Where that ends, training steps down in bits per character."
            * ends
        )


@dataclass(frozen=True)
class Points:
    """P points, `lines` lines of metrics each. Values: mean, lowest and highest (3, P), by their unit."""

    panel: str  # loss, rate, gradient, speed or weights
    kind: str  # one of KINDS
    lines: float
    at: dict[str, Values]  # where they lie (P,) on each of AXES
    values: dict[str, Values]

    @property
    def noisy(self) -> bool:
        """Whether neighbours differ by chance, so that a running mean says more."""
        return self.kind == "train" and self.panel in ("loss", "gradient", "speed")


def points_of(course: TrainingCurve, runs: int = 1) -> list[Points]:
    """Every series of a run that is drawn together with so many `runs`; none if it has no lines yet."""
    most = max(_FEWEST, _MOST // runs)
    steps = [record for record in course.metrics if record.get("event") == "step"]
    looks = [record for record in course.metrics if record.get("event") == "validation"]
    tokens = _tokens_read(steps)
    found: list[Points] = []
    if steps:
        thin = _Thinner(steps, tokens, most)
        bits = [record["nats_per_character"] / math.log(2) for record in steps]
        found += [
            thin("loss", "train", {BITS: bits, NATS: [record["loss"] for record in steps]}),
            thin("rate", "train", {"": [record["learning_rate"] for record in steps]}),
            thin("gradient", "train", {"": [record["gradient_norm"] for record in steps]}),
            thin("speed", "train", {"tokens per second": [record["tokens_per_second"] for record in steps]}),
        ]
    if looks:
        thin = _Thinner(looks, tokens, most)
        bits = [record["nats_per_character"] / math.log(2) for record in looks]
        kind = _PARTS.get(looks[-1].get("part", ""), "held-out")
        found.append(thin("loss", kind, {BITS: bits, NATS: [record["loss"] for record in looks]}))
    if looks and all("train_loss" in record for record in looks):  # earlier versions noted less
        per_token = [record["train_loss"] for record in looks]
        values = {NATS: per_token}
        if course.tokens_per_character:
            values = {BITS: [v * course.tokens_per_character / math.log(2) for v in per_token]} | values
        found.append(thin("loss", "train-look", values))
        found.append(thin("weights", "train", {"": [record["weight_norm"] for record in looks]}))
    return found


def _tokens_read(steps: _Records) -> tuple[Values, Values]:
    """Steps, and how many tokens had been read by then; 0 by step 0."""
    at = np.array([0, *(record["step"] for record in steps)], np.float64)
    each = [record["tokens_per_second"] / record["steps_per_second"] for record in steps]
    return at, np.concatenate([[0.0], np.cumsum(np.diff(at) * np.array(each))])


class _Thinner:
    """Makes points of the same records."""

    def __init__(self, records: _Records, tokens: tuple[Values, Values], most: int) -> None:
        count = min(most, len(records))
        self._borders = np.linspace(0, len(records), count + 1).astype(np.int64)
        self._lines = len(records) / count
        step = np.array([record["step"] for record in records], np.float64)
        seconds = np.array([record["seconds"] for record in records], np.float64)
        axes = {"step": step, "seconds": seconds, "tokens": np.interp(step, *tokens)}
        self._at = {axis: self._means(values) for axis, values in axes.items()}

    def __call__(self, panel: str, kind: str, values: Mapping[str, Sequence[float]]) -> Points:
        by_unit = {unit: self._thinned(np.array(numbers, np.float64)) for unit, numbers in values.items()}
        return Points(panel, kind, self._lines, self._at, by_unit)

    def _thinned(self, values: Values) -> Values:
        begins = self._borders[:-1]
        return np.stack(
            [self._means(values), np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)]
        )

    def _means(self, values: Values) -> Values:
        means: Values = np.add.reduceat(values, self._borders[:-1]) / np.diff(self._borders)
        return means
