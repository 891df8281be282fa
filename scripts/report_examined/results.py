"""The figures that the page rests on, as the commands of Octavo wrote them."""

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
    """There is no such figure; says why."""


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
    def complete(self) -> bool:
        """Whether every run has come to an end, good or bad."""
        return len(self.values["rows"]) == len(self.variants) * self.seeds

    def ran_away(self, *variants: str) -> int:
        """How many runs of the variants ended because their numbers ran away."""
        return sum(row.get("ran_away", False) for row in self.values["rows"] if row["variant"] in variants)

    def figure(self, variant: str, name: str) -> Estimate:
        """A figure's mean over the seeds."""
        return self._estimate(variant, "figures", name)

    def difference(self, variant: str, name: str) -> Estimate:
        """A figure less the base's, seed by seed."""
        return self._estimate(variant, "differences", name)

    def has(self, variant: str, name: str) -> bool:
        """Whether the figure is known, of two seeds or more."""
        value = self._summary(variant)["figures"].get(name)
        return value is not None and value["low"] is not None

    def between(self, one: str, other: str, name: str) -> Estimate:
        """A figure of one variant less another's, seed by seed."""
        first, second = self._by_seed(one, name), self._by_seed(other, name)
        return _estimate([first[seed] - second[seed] for seed in first if seed in second])

    def within(self, variant: str, one: str, other: str) -> Estimate:
        """One figure of a variant less another figure of it, seed by seed."""
        first, second = self._by_seed(variant, one), self._by_seed(variant, other)
        return _estimate([first[seed] - second[seed] for seed in first if seed in second])

    def spread(self, variant: str, name: str) -> float:
        """From the lowest to the highest seed."""
        values = self._by_seed(variant, name).values()
        if not values:
            raise NoFigure(f"no run of {variant} came to a score in experiment {self.name}")
        return max(values) - min(values)

    def _by_seed(self, variant: str, name: str) -> dict[int, float]:
        rows = [CellResult.from_json(values) for values in self.values["rows"] if values["variant"] == variant]
        return {row.seed: figure for row in rows if row and (figure := row.figure(name)) is not None}

    def steps(self, variant: str) -> int:
        """How many each of its runs took, on average."""
        return round(self.figure(variant, "steps").mean)

    def _estimate(self, variant: str, kind: str, name: str) -> Estimate:
        value = self._summary(variant)[kind].get(name)
        if value is None or value["low"] is None:
            raise NoFigure(f"fewer than two runs of {variant} came to a score in experiment {self.name}")
        return Estimate(**value)

    def _summary(self, variant: str) -> Json:
        return next(entry for entry in self.values["summary"] if entry["variant"] == variant)


@dataclass(frozen=True)
class Results:
    """All of it."""

    reference: Json  # report.json of the reproduction
    corrected: Json | None  # the same of the reproduction with AdamW
    costs: Json | None  # what scripts/attention_cost.py prints
    experiments: dict[str, Experiment]
    heads: Json | None = None  # what scripts/report_examined/heads.py found, by group

    @property
    def attention(self) -> Json:
        """What attention costs.

        Raises:
            NoFigure: it was not measured.
        """
        if self.costs is None:
            raise NoFigure("scripts/attention_cost.py has not been run yet")
        return self.costs

    def __getitem__(self, name: str) -> Experiment:
        """One experiment.

        Raises:
            NoFigure: its results are not all there.
        """
        if name not in self.experiments:
            raise NoFigure(f"the experiment {name} has not been run yet")
        return self.experiments[name]


def load(folder: Path = FOLDER) -> Results:
    """Read what :mod:`scripts.report_examined.collect` put there."""

    def read(name: str) -> Json:
        values: Json = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return values

    there = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")}
    read_in = [Experiment(n, read(f"experiments/{n}")) for n in EXPERIMENTS if f"experiments/{n}" in there]
    experiments = {experiment.name: experiment for experiment in read_in if experiment.complete}
    corrected, costs = (read(name) if name in there else None for name in ("reference-adamw", "attention-cost"))
    heads = read("heads") if "heads" in there else None
    return Results(read("reference"), corrected, costs, experiments, heads)


def _estimate(numbers: list[float]) -> Estimate:
    found = estimate(numbers)
    if found is None or found.low is None or found.high is None:
        raise NoFigure("fewer than two seeds can be compared")
    return Estimate(found.n, found.mean, found.low, found.high)
