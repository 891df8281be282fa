"""Claim 2, whether heads and layers specialise: python -m scripts.report_examined.heads RUNS.

RUNS is the folder of the experiments `decay` and `pocket`. Each run of the groups below is measured as `octavo heads`
measures, and docs/report/heads.json keeps a few figures of every head; of a group whose runs are not there, or not
all finished, it keeps what it had. The page is then written by python -m scripts.report_examined.
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
from octavo.system.statistics import Estimate, estimate

FILE = "heads.json"
GROUPS = {
    "coupled": ("the report's model after one epoch", "decay/coupled-seed*"),
    "decoupled": ("the same with decoupled decay", "decay/decoupled-seed*"),
    "pocket": ("the preset `pocket`", "pocket/pocket-seed*"),
}
_MATTERS = {"distance": 1.0, "relative_entropy": 0.05}  # tokens; share of the largest entropy
Json = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """The heads of runs that differ in their seed alone; of each run a list of heads."""

    title: str
    runs: list[list[Json]]

    @property
    def heads(self) -> int:
        """How many, of all runs together."""
        return sum(map(len, self.runs))

    @property
    def names(self) -> Counter[str]:
        """How many heads have each name."""
        return Counter(head["name"] for heads in self.runs for head in heads)

    @property
    def kinds(self) -> Counter[str]:
        """The same of the names that a kind of attention gives."""
        return Counter(
            {name: count for name, count in self.names.items() if name not in (UNIFORM, INERT, UNCLASSIFIED)}
        )

    @property
    def from_even(self) -> Estimate:
        """The mean distance from even attention, over the seeds."""
        return _over_seeds([sum(head["from_even"] for head in heads) / len(heads) for heads in self.runs])

    def between_layers(self, figure: str) -> Estimate:
        """A figure's mean over the heads of the last layer less that of the first, over the seeds."""
        return _over_seeds([_mean(heads, -1, figure) - _mean(heads, 0, figure) for heads in self.runs])

    @property
    def heads_specialise(self) -> bool:
        """Whether half of the heads or more have earned names, and in most runs different ones."""
        several = [len({head["name"] for head in heads} & set(self.kinds)) > 1 for heads in self.runs]
        return 2 * self.kinds.total() >= self.heads and 2 * sum(several) > len(self.runs)

    @property
    def layers_differ(self) -> bool:
        """Whether the layers differ in a figure by enough to matter: the whole interval lies beyond that."""
        return any(_matters(self.between_layers(figure), least) for figure, least in _MATTERS.items())

    @property
    def verdict(self) -> str:
        """On the claim, of this group."""
        return {0: "does not hold", 1: "holds in part", 2: "holds"}[self.heads_specialise + self.layers_differ]

    @property
    def row(self) -> list[str]:
        """The cells of the table."""
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
    "heads that earn a name",
    "even",
    "unused",
    "distance from even attention, 0 … 1",
    "last layer less first: tokens back",
    "and entropy, as a share of the largest",
    "heads and layers specialise",
)


def table(groups: Sequence[Group]) -> str:
    """A row a group, in Markdown, and how its verdict is come by."""
    rows = [_HEAD, ["---"] * len(_HEAD), *(group.row for group in groups)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + (
        "\n\nA head earns a name if the whole interval of a share of its attention lies above 35 % and above twice "
        "what even attention gives ([heads.md](heads.md)). Heads specialise if half of them or more earn a name, and "
        "in most runs not all the same; layers if the whole interval of a difference lies beyond "
        f"{_MATTERS['distance']:.0f} token or beyond {_MATTERS['relative_entropy']} of entropy. If one of the two is "
        "so, the claim holds in part."
    )


def groups_of(values: Json) -> dict[str, Group]:
    """The groups in what :func:`collect_heads` wrote that have two runs or more."""
    return {name: Group(GROUPS[name][0], runs) for name, runs in values.items() if len(runs) > 1}


def collect_heads(runs: Path) -> Json:
    """Measure the heads of every group of runs that is there and whole."""
    found: Json = {}
    for name, (_, pattern) in GROUPS.items():
        opened = [load(path) for path in sorted(runs.glob(pattern))]
        if not all(run.directory.ended for run in opened):
            print(f"{name}: a run is not finished, so its figures stay as they were")
            continue
        if opened:
            found[name] = [summary(run.heads().table) for run in opened]
            print(f"{name}: {len(opened)} runs")
    return found


def summary(measured: HeadTable) -> list[Json]:
    """What the page needs: a few figures a head."""
    return [_small(head) for head in measured.heads]


def _small(head: Head) -> Json:
    figures = {name: getattr(head, name).mean for name in ("distance", "entropy", "relative_entropy", "from_even")}
    shares = {kind: share.measured.mean for kind, share in head.target_fractions.items()}
    removal = {name: cost.mean for name, cost in head.ablation_costs.items()}
    rounded = {name: _rounded(values) for name, values in (("shares", shares), ("removal", removal))}
    return {"layer": head.layer, "head": head.head, "name": head.name, **_rounded(figures), **rounded}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def _mean(heads: list[Json], layer: int, figure: str) -> float:
    """Of one layer; -1: the last."""
    wanted = max(head["layer"] for head in heads) if layer < 0 else layer
    values = [head[figure] for head in heads if head["layer"] == wanted]
    return float(sum(values) / len(values))


def _over_seeds(values: list[float]) -> Estimate:
    found = estimate(values)
    assert found is not None  # a group has runs
    return found


def _matters(found: Estimate, least: float) -> bool:
    return found.low is not None and found.high is not None and (found.low > least or found.high < -least)


def _shown(found: Estimate, digits: int, sign: str = "") -> str:
    form = f"{{:{sign}.{digits}f}}"
    around = "" if found.low is None else f" ({form.format(found.low)} … {form.format(found.high)})"
    return f"{form.format(found.mean)}{around}"


if __name__ == "__main__":
    from scripts.report_examined.results import FOLDER

    place = FOLDER / FILE
    had = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    place.write_text(json.dumps(had | collect_heads(Path(sys.argv[1]))) + "\n", encoding="utf-8")
    print(f"written to {place}")
