"""What was measured, on what, when and by which versions: everything that a reader of the figures has to know.

The suites by name, and all of what was asked for in one go.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import torch

from octavo.bench.generation import bench_generation
from octavo.bench.growth import bench_growth
from octavo.bench.measure import Comparison
from octavo.bench.request import SUITE_NAMES, BenchRequest, Peers
from octavo.bench.training import bench_scoring, bench_training
from octavo.kernels.library import active_build
from octavo.runs.provenance import machine_facts
from octavo.system.progress import PhaseCallback, ProgressCallback, subrange
from octavo.system.terminal import counted

_BUSY = 0.5  # processes that wait or work, for each core, before anything is measured


@dataclass(frozen=True)
class BenchSession:
    """The circumstances; made before anything is measured."""

    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=machine_facts)
    threads: int = field(default_factory=torch.get_num_threads)
    kernels: str = field(default_factory=active_build)
    load: float | None = field(default_factory=lambda: os.getloadavg()[0] if hasattr(os, "getloadavg") else None)

    @property
    def busy(self) -> bool:
        """Whether the machine had other work in the minute before."""
        return self.load is not None and self.load > _BUSY * int(self.machine["cores"] or 1)

    def words(self) -> list[str]:
        """For people."""
        packages = self.machine["packages"]
        lines = [
            f"{self.machine['processor']}, {counted(self.machine['cores'], 'core')}, torch on {self.threads}",
            f"octavo {packages['octavo']}, torch {packages['torch']}; kernels: {self.kernels}; {self.began}",
        ]
        if self.busy:
            lines.append(f"The machine had other work before (load {self.load:.1f}): times say little, ratios more.")
        return lines


def suites_to_dict(sitting: BenchSession, rounds: int, found: Mapping[str, Sequence[Comparison]]) -> dict[str, Any]:
    """Plain values."""
    return {
        "began": sitting.began,
        "machine": sitting.machine,
        "threads": sitting.threads,
        "kernels": sitting.kernels,
        "load_before": sitting.load,
        "rounds": rounds,
        "suites": {name: [comparison.to_dict() for comparison in suite] for name, suite in found.items()},
    }


Suite = Callable[[int, Peers, ProgressCallback], list[Comparison]]
SUITES: dict[str, Suite] = dict(
    zip(SUITE_NAMES, (bench_training, bench_generation, bench_scoring, bench_growth), strict=True)
)


def run_suites(asked: BenchRequest, watch: PhaseCallback) -> dict[str, list[Comparison]]:
    """Each suite after the other; `watch` is told the suite's name and the share of all that is done."""
    found, count = {}, len(asked.suites)
    for place, name in enumerate(asked.suites):

        def told(share: float, name: str = name) -> None:
            watch(name, share)

        found[name] = SUITES[name](asked.rounds, asked.peers, subrange(told, place / count, (place + 1) / count))
    return found
