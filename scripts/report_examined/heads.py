"""Measure whether heads and layers specialise (claim 2): python -m scripts.report_examined.heads RUNS.

RUNS is the folder of the experiments `decay` and `pocket`. Each run of the groups below is measured as by `octavo
heads`, and docs/report/heads.json keeps a few figures of every head. Figures of a group whose runs are missing or not
all finished are kept. `python -m scripts.report_examined` then writes the page.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.interpret.head_labels import TITLES
from octavo.interpret.head_table import INERT, UNCLASSIFIED, UNIFORM, Head, HeadTable
from octavo.pipeline.run import load
from octavo.reports.markdown_text import markdown_table
from octavo.system.statistics import Estimate, estimate

FILE = "heads.json"
GROUPS = {
    "coupled": ("the report's model after one epoch", "decay/coupled-seed*"),
    "decoupled": ("the same with decoupled decay", "decay/decoupled-seed*"),
    "pocket": ("the preset `pocket`", "pocket/pocket-seed*"),
}
_MATTERS = {"distance": 1.0, "relative_entropy": 0.05}  # tokens; fraction of the largest entropy
Json = dict[str, Any]


@dataclass(frozen=True)
class HeadGroup:
    """The heads of runs that differ only in their seed, a list for each run."""

    title: str
    runs: list[list[Json]]

    @property
    def heads(self) -> int:
        """Return the number of heads of all runs."""
        return sum(map(len, self.runs))

    @property
    def names(self) -> Counter[str]:
        """Return how many heads have each label."""
        return Counter(head["name"] for heads in self.runs for head in heads)

    @property
    def kinds(self) -> Counter[str]:
        """Return how many heads have each label of a kind of attention."""
        return Counter(
            {name: count for name, count in self.names.items() if name not in (UNIFORM, INERT, UNCLASSIFIED)}
        )

    @property
    def from_even(self) -> Estimate:
        """Return the mean distance from uniform attention, over the seeds."""
        return _over_seeds([sum(head["from_even"] for head in heads) / len(heads) for heads in self.runs])

    def between_layers(self, figure: str) -> Estimate:
        """Return a figure's mean over the heads of the last layer minus that of the first, over the seeds."""
        return _over_seeds([_mean(heads, -1, figure) - _mean(heads, 0, figure) for heads in self.runs])

    @property
    def heads_specialise(self) -> bool:
        """Return whether at least half of the heads have a label, and in most runs different ones."""
        several = [len({head["name"] for head in heads} & set(self.kinds)) > 1 for heads in self.runs]
        return 2 * self.kinds.total() >= self.heads and 2 * sum(several) > len(self.runs)

    @property
    def layers_differ(self) -> bool:
        """Return whether the layers differ in a figure, by an interval that lies beyond its limit."""
        return any(_matters(self.between_layers(figure), limit) for figure, limit in _MATTERS.items())

    @property
    def verdict(self) -> str:
        """Return the verdict on the claim for this group."""
        return {0: "does not hold", 1: "holds in part", 2: "holds"}[self.heads_specialise + self.layers_differ]

    @property
    def row(self) -> list[str]:
        """Return the row of the table."""
        kinds = ", ".join(f"{TITLES[name]} {count}" for name, count in self.kinds.most_common())
        return [
            f"{self.title}, {len(self.runs)} seeds",
            f"{self.kinds.total()} of {self.heads}" + (f": {kinds}" if kinds else ""),
            str(self.names[UNIFORM]),
            str(self.names[INERT]),
            _shown(self.from_even, 3),
            _shown(self.between_layers("distance"), 1, "+"),
            _shown(self.between_layers("relative_entropy"), 3, "+"),
            f"**{self.verdict}**",
        ]


_HEAD = (
    "",
    "heads with a label",
    "uniform",
    "inert",
    "distance from uniform attention, 0 … 1",
    "last layer minus first: mean attention distance",
    "and relative entropy",
    "heads and layers specialise",
)


def heads_table(groups: Sequence[HeadGroup]) -> str:
    """Return a row for each group as Markdown, and the rule of the verdict."""
    return markdown_table(_HEAD, [group.row for group in groups], escape=str) + (
        "\n\nA head has a label if the interval of its attention to a kind of token lies above 35 % and above twice "
        "that of uniform attention ([heads.md](heads.md)). Heads specialise if at least half of them have a label, "
        "and in most runs not all the same one. Layers specialise if the interval of a difference lies beyond "
        f"{_MATTERS['distance']:.0f} token of distance or {_MATTERS['relative_entropy']} of relative entropy. If "
        "only one of the two is true, the claim holds in part."
    )


def head_groups(values: Json) -> dict[str, HeadGroup]:
    """Return the groups of :func:`collect_heads` that have at least two runs."""
    return {name: HeadGroup(GROUPS[name][0], runs) for name, runs in values.items() if len(runs) > 1}


def collect_heads(runs: Path) -> Json:
    """Measure the heads of every group of runs whose runs are all finished."""
    groups: Json = {}
    for name, (_, pattern) in GROUPS.items():
        loaded = [load(path) for path in sorted(runs.glob(pattern))]
        if not all(run.directory.ended for run in loaded):
            print(f"{name}: a run is not finished, so its figures are kept")
            continue
        if loaded:
            groups[name] = [head_figures(run.heads().table) for run in loaded]
            print(f"{name}: {len(loaded)} runs")
    return groups


def head_figures(measured: HeadTable) -> list[Json]:
    """Return the few figures of each head that the page needs."""
    return [_small(head) for head in measured.heads]


def _small(head: Head) -> Json:
    figures = {name: getattr(head, name).mean for name in ("distance", "entropy", "relative_entropy")}
    figures["from_even"] = head.distance_from_uniform.mean
    fractions = {kind: fraction.measured.mean for kind, fraction in head.target_fractions.items()}
    removal = {name: cost.mean for name, cost in head.ablation_costs.items()}
    rounded = {name: _rounded(values) for name, values in (("shares", fractions), ("removal", removal))}
    return {"layer": head.layer, "head": head.head, "name": head.name, **_rounded(figures), **rounded}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def _mean(heads: list[Json], layer: int, figure: str) -> float:
    """Return a figure's mean over the heads of one layer; -1 is the last."""
    wanted = max(head["layer"] for head in heads) if layer < 0 else layer
    values = [head[figure] for head in heads if head["layer"] == wanted]
    return float(sum(values) / len(values))


def _over_seeds(values: list[float]) -> Estimate:
    result = estimate(values)
    assert result is not None  # a group has runs
    return result


def _matters(result: Estimate, limit: float) -> bool:
    return result.low is not None and result.high is not None and (result.low > limit or result.high < -limit)


def _shown(result: Estimate, digits: int, sign: str = "") -> str:
    form = f"{{:{sign}.{digits}f}}"
    interval = "" if result.low is None else f" ({form.format(result.low)} … {form.format(result.high)})"
    return f"{form.format(result.mean)}{interval}"


if __name__ == "__main__":
    from scripts.report_examined.results import FOLDER

    path = FOLDER / FILE
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(earlier | collect_heads(Path(sys.argv[1]))) + "\n", encoding="utf-8")
    print(f"written to {path}")
