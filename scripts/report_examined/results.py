"""The figures that the page rests on, as the commands of Octavo wrote them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path("docs/report")
EXPERIMENTS = (
    "decay",
    "positions",
    "norms",
    "activation",
    "tokens",
    "size",
    "learning-rate",
    "context",
    "improvements",
)
Json = dict[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its interval."""

    n: int
    mean: float
    low: float
    high: float

    def shown(self, digits: int = 3, sign: str = "") -> str:
        """Mean and interval, for a table."""
        form = f"{{:{sign}.{digits}f}}"
        return f"{form.format(self.mean)} ({form.format(self.low)} … {form.format(self.high)})"

    @property
    def below(self) -> bool:
        """Whether the whole interval lies below zero: of a difference, that the variant is better."""
        return self.high < 0

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


@dataclass(frozen=True)
class Experiment:
    """One ``experiment.json``."""

    name: str
    values: Json

    @property
    def variants(self) -> list[str]:
        """In the order of the file."""
        return [entry["variant"] for entry in self.values["summary"]]

    @property
    def base(self) -> str:
        """What the others are compared with."""
        return str(self.values["base"])

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.values["seeds"])

    @property
    def failures(self) -> dict[str, list[str]]:
        """Sentences of the cells that failed, by variant."""
        found: dict[str, list[str]] = {}
        for row in self.values["rows"]:
            if row["failure"]:
                found.setdefault(row["variant"], []).append(row["failure"])
        return found

    def figure(self, variant: str, name: str) -> Estimate:
        """A figure's mean over the seeds."""
        return self._estimate(variant, "figures", name)

    def difference(self, variant: str, name: str) -> Estimate:
        """A figure less the base's, seed by seed."""
        return self._estimate(variant, "differences", name)

    def has(self, variant: str, name: str) -> bool:
        """Whether the figure is known."""
        return name in self._summary(variant)["figures"]

    def steps(self, variant: str) -> int:
        """How many each of its runs took, on average."""
        return round(self.figure(variant, "steps").mean)

    def _estimate(self, variant: str, kind: str, name: str) -> Estimate:
        value = self._summary(variant)[kind][name]
        low, high = (value["mean"] if value[key] is None else value[key] for key in ("low", "high"))
        return Estimate(value["n"], value["mean"], low, high)

    def _summary(self, variant: str) -> Json:
        return next(entry for entry in self.values["summary"] if entry["variant"] == variant)


@dataclass(frozen=True)
class Results:
    """All of it."""

    reference: Json  # report.json of the reproduction
    corrected: Json  # the same of the reproduction with AdamW
    attention: Json  # what scripts/attention_cost.py prints
    experiments: dict[str, Experiment]

    def __getitem__(self, name: str) -> Experiment:
        return self.experiments[name]


def load(folder: Path = FOLDER) -> Results:
    """Read what :mod:`scripts.report_examined.collect` put there."""

    def read(name: str) -> Json:
        values: Json = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return values

    experiments = {name: Experiment(name, read(f"experiments/{name}")) for name in EXPERIMENTS}
    return Results(read("reference"), read("reference-adamw"), read("attention-cost"), experiments)


def perplexity(nats: float) -> float:
    """Of a loss in nats."""
    return math.exp(min(nats, 700.0))
