"""Run the benchmark suites by name, and record the circumstances: machine, versions, threads, load and time."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import torch

from octavo.bench.generation import bench_generation
from octavo.bench.growth import bench_growth
from octavo.bench.measure import BenchComparison, split_progress
from octavo.bench.page import MakePage, bench_page
from octavo.bench.request import SUITE_NAMES, BenchRequest, Peers
from octavo.bench.training import bench_scoring, bench_training
from octavo.kernels.library import active_build
from octavo.runs.provenance import machine_facts
from octavo.system.progress import PhaseCallback, ProgressCallback
from octavo.system.terminal import quantity

_BUSY_LOAD = 0.5  # load average per core

Suite = Callable[[int, Peers, ProgressCallback], list[BenchComparison]]
SUITES: dict[str, Suite] = dict(  # besides "page"
    zip(SUITE_NAMES[:-1], (bench_training, bench_generation, bench_scoring, bench_growth), strict=True)
)


@dataclass(frozen=True)
class BenchSession:
    """The circumstances of a benchmark; to be made before anything is measured. The field names are keys of JSON."""

    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=machine_facts)
    threads: int = field(default_factory=torch.get_num_threads)
    kernels: str = field(default_factory=active_build)
    load_before: float | None = field(
        default_factory=lambda: os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    )

    @property
    def busy(self) -> bool:
        """Return whether the machine had other work in the minute before."""
        return self.load_before is not None and self.load_before > _BUSY_LOAD * int(self.machine["cores"] or 1)

    def lines(self) -> list[str]:
        """Return the circumstances as lines of text."""
        packages = self.machine["packages"]
        lines = [
            f"{self.machine['processor']}, {quantity(self.machine['cores'], 'core')}, torch on {self.threads}",
            f"octavo {packages['octavo']}, torch {packages['torch']}; kernels: {self.kernels}; {self.began}",
        ]
        if self.busy:
            lines.append(
                f"The machine had other work before (load {self.load_before:.1f}): "
                "trust the ratios more than the times."
            )
        return lines


def run_suites(request: BenchRequest, watch: PhaseCallback, make_page: MakePage) -> dict[str, list[BenchComparison]]:
    """Run each suite in turn; `watch` gets the suite's name and the fraction of the whole that is done.

    `make_page` makes the page of the suite ``page``.
    """
    results, count = {}, len(request.suites)
    suites = SUITES | {"page": partial(bench_page, make_page)}
    for number, name in enumerate(request.suites):
        part = split_progress(partial(watch, name), count)[number]
        results[name] = suites[name](request.rounds, request.peers, part)
    return results


def suites_to_dict(
    session: BenchSession, rounds: int, results: Mapping[str, Sequence[BenchComparison]]
) -> dict[str, Any]:
    """Return the circumstances and all results as plain values for JSON."""
    suites = {name: [comparison.to_dict() for comparison in suite] for name, suite in results.items()}
    return asdict(session) | {"rounds": rounds, "suites": suites}
