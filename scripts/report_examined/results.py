"""The figures of the page, as Octavo's commands wrote them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.experiments.results import CellResult
from octavo.system.statistics import estimate

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
    "pocket",
)
Json = dict[str, Any]


class NoFigure(Exception):
    """A figure is missing; the message is the reason."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its confidence interval."""

    n: int
    mean: float
    low: float
    high: float

    def shown(self, digits: int = 3, sign: str = "") -> str:
        """Return mean and interval as text."""
        form = f"{{:{sign}.{digits}f}}"
        return f"{form.format(self.mean)} ({form.format(self.low)} … {form.format(self.high)})"

    @property
    def below(self) -> bool:
        """Return whether the interval is below zero: as a difference, the variant is better."""
        return self.high < 0

    @property
    def above(self) -> bool:
        """Return whether the interval is above zero."""
        return self.low > 0


@dataclass(frozen=True)
class Experiment:
    """The content of an ``experiment.json``."""

    name: str
    values: Json

    @property
    def variants(self) -> list[str]:
        """Return the names of the variants, in the order of the file."""
        return [entry["variant"] for entry in self.values["summary"]]

    @property
    def base(self) -> str:
        """Return the variant that the others are compared with."""
        return str(self.values["base"])

    @property
    def seeds(self) -> int:
        """Return the number of seeds."""
        return len(self.values["seeds"])

    @property
    def complete(self) -> bool:
        """Return whether every cell has a row, scored or failed."""
        return len(self.values["rows"]) == len(self.variants) * self.seeds

    def diverged(self, *variants: str) -> int:
        """Return how many runs of the variants diverged."""
        return sum(row.get("ran_away", False) for row in self.values["rows"] if row["variant"] in variants)

    def figure(self, variant: str, name: str) -> Interval:
        """Return a figure's mean over the seeds."""
        return self._estimate(variant, "figures", name)

    def difference(self, variant: str, name: str) -> Interval:
        """Return a figure minus the base's, seed by seed."""
        return self._estimate(variant, "differences", name)

    def has(self, variant: str, name: str) -> bool:
        """Return whether the figure is known for two seeds or more."""
        value = self._summary(variant)["figures"].get(name)
        return value is not None and value["low"] is not None

    def between(self, one: str, other: str, name: str) -> Interval:
        """Return a figure of one variant minus another's, seed by seed."""
        first, second = self._by_seed(one, name), self._by_seed(other, name)
        return _interval([first[seed] - second[seed] for seed in first if seed in second])

    def within(self, variant: str, one: str, other: str) -> Interval:
        """Return one figure of a variant minus another, seed by seed."""
        first, second = self._by_seed(variant, one), self._by_seed(variant, other)
        return _interval([first[seed] - second[seed] for seed in first if seed in second])

    def seed_range(self, variant: str, name: str) -> float:
        """Return the difference between the highest and the lowest seed."""
        values = self._by_seed(variant, name).values()
        if not values:
            raise NoFigure(f"no run of {variant} has a score in experiment {self.name}")
        return max(values) - min(values)

    def _by_seed(self, variant: str, name: str) -> dict[int, float]:
        rows = [CellResult.from_json(values) for values in self.values["rows"] if values["variant"] == variant]
        return {row.seed: figure for row in rows if row and (figure := row.figure(name)) is not None}

    def steps(self, variant: str) -> int:
        """Return the mean number of steps of its runs."""
        return round(self.figure(variant, "steps").mean)

    def _estimate(self, variant: str, kind: str, name: str) -> Interval:
        value = self._summary(variant)[kind].get(name)
        if value is None or value["low"] is None:
            raise NoFigure(f"fewer than two runs of {variant} have a score in experiment {self.name}")
        return Interval(**value)

    def _summary(self, variant: str) -> Json:
        return next(entry for entry in self.values["summary"] if entry["variant"] == variant)


@dataclass(frozen=True)
class Results:
    """All figures of the page."""

    reference: Json  # report.json of the reproduction
    corrected: Json | None  # report.json of the reproduction with AdamW
    costs: Json | None  # output of scripts/attention_cost.py
    experiments: dict[str, Experiment]
    heads: Json | None = None  # output of scripts/report_examined/heads.py, by group

    @property
    def attention(self) -> Json:
        """Return the cost of attention.

        Raises:
            NoFigure: it has not been measured.
        """
        if self.costs is None:
            raise NoFigure("scripts/attention_cost.py has not been run yet")
        return self.costs

    def __getitem__(self, name: str) -> Experiment:
        """Return an experiment.

        Raises:
            NoFigure: it has not been run to its end.
        """
        if name not in self.experiments:
            raise NoFigure(f"the experiment {name} has not been run yet")
        return self.experiments[name]


def load(folder: Path = FOLDER) -> Results:
    """Read the figures that :mod:`scripts.report_examined.collect` copied."""

    def read(name: str) -> Json:
        values: Json = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return values

    files = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")}
    all_experiments = [Experiment(n, read(f"experiments/{n}")) for n in EXPERIMENTS if f"experiments/{n}" in files]
    experiments = {experiment.name: experiment for experiment in all_experiments if experiment.complete}
    corrected, costs = (read(name) if name in files else None for name in ("reference-adamw", "attention-cost"))
    heads = read("heads") if "heads" in files else None
    return Results(read("reference"), corrected, costs, experiments, heads)


def _interval(numbers: list[float]) -> Interval:
    result = estimate(numbers)
    if result is None or result.low is None or result.high is None:
        raise NoFigure("fewer than two seeds are comparable")
    return Interval(result.n, result.mean, result.low, result.high)
