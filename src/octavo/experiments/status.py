"""The status of every cell, read from its run's metrics, and an estimate of the time that is left."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from octavo.config import TrainConfig
from octavo.errors import OctavoError
from octavo.experiments.results import CellResult
from octavo.runs.metrics import last_record

State = Literal["waiting", "starting", "running", "done", "failed"]
_TRAINING_FRACTION = 0.95  # of a cell's time; the rest is its score and its validation curves
_MIN_PROGRESS = 0.02  # before a cell's time is extrapolated


@dataclass
class CellStatus:
    """The status of one cell.

    `progress` is the fraction of the training that is done; `loss` is the newest training loss in nats per character.
    """

    variant: str
    seed: int
    budget: TrainConfig
    metrics: Path
    row: CellResult | None = None
    state: State = "waiting"
    progress: float = 0.0
    loss: float | None = None
    began: float = 0.0  # time.monotonic(); 0: not in this session
    took: float = 0.0  # seconds; 0 unless the cell ended in this session
    resumed_at: float | None = None  # the progress when the cell was first seen to be running
    _initial_mtime: int = 0  # of the metrics, before this session; ns

    def __post_init__(self) -> None:
        self._initial_mtime = self._mtime()
        if self.row:
            self.finish(self.row)

    @property
    def name(self) -> str:
        """Return the name for people."""
        return f"{self.variant}, seed {self.seed}"

    def finish(self, row: CellResult) -> None:
        """Record the cell's result."""
        self.row, self.state = row, "failed" if row.failure else "done"
        self.took = time.monotonic() - self.began if self.began else 0.0

    def refresh(self, running: bool) -> None:
        """Read the progress from the metrics; `running`: the executor reports that the cell is running."""
        if self.row:
            return
        written = self._mtime() > self._initial_mtime
        if not self.began and (running or written):
            self.began, self.state = time.monotonic(), "starting"
        if written:
            self._read_metrics()

    @property
    def expected_seconds(self) -> float:
        """Return the seconds of the whole cell at its present rate, 0 while that is unknown."""
        done = self.progress - (self.resumed_at or 0.0)
        if self.state != "running" or done <= _MIN_PROGRESS:
            return 0.0
        return (time.monotonic() - self.began) / (done * _TRAINING_FRACTION)

    def seconds_left(self, typical: float) -> float:
        """Return the seconds until the cell is done, if a cell like it takes `typical` seconds."""
        if expected := self.expected_seconds:
            return expected * (1 - self.progress * _TRAINING_FRACTION)
        return max(0.0, typical - (time.monotonic() - self.began)) if self.began else typical

    def _read_metrics(self) -> None:
        try:
            record = last_record(self.metrics)
        except (OctavoError, OSError):
            return
        if record is None:
            return
        self.state = "running"
        if record["event"] == "step":  # a validation event has another loss
            self.loss = record.get("nats_per_character", self.loss)
        for budget_name, key, scale in (("steps", "step", 1), ("epochs", "epoch", 1), ("minutes", "seconds", 60)):
            if budget := getattr(self.budget, budget_name):
                self.progress = min(1.0, record.get(key, 0) / (budget * scale))
        if self.resumed_at is None:
            self.resumed_at = self.progress if self._initial_mtime else 0.0

    def _mtime(self) -> int:
        try:
            return self.metrics.stat().st_mtime_ns
        except OSError:
            return 0


def time_left(cells: Iterable[CellStatus], at_once: int) -> float | None:
    """Return the seconds until all cells are done, None while that is unknown.

    A cell's time is the mean of its variant's cells of this session. If there are none, it is the extrapolated time
    of a running cell of the variant, else the mean of the other variants. `at_once` is the number of cells that run
    in parallel, 0 if it is unknown.
    """
    cells = list(cells)
    times: dict[str, list[float]] = {}  # by variant
    for cell in cells:
        if cell.state == "done" and cell.took and not cell.resumed_at:
            times.setdefault(cell.variant, []).append(cell.took)
    for cell in cells:
        if expected := cell.expected_seconds:
            times.setdefault(cell.variant, [expected])
    if not times:
        return None
    means = {variant: sum(seconds) / len(seconds) for variant, seconds in times.items()}
    typical = sum(means.values()) / len(means)
    left = [cell.seconds_left(means.get(cell.variant, typical)) for cell in cells if not cell.row]
    running = sum(cell.state in ("starting", "running") for cell in cells)
    return max(sum(left) / max(1, at_once or running), max(left, default=0.0))
