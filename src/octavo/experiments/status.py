"""Where every cell is, read from its run's metrics, and how long the rest will take."""

import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from octavo.config import TrainConfig
from octavo.errors import OctavoError
from octavo.experiments.results import CellResult
from octavo.runs.metrics import last_record

State = Literal["waiting", "starting", "running", "done", "failed"]
_TRAINING_FRACTION = 0.95  # of a cell's time, when it is trained; the rest is for the score and the curves


@dataclass
class CellStatus:
    """One cell: `progress` is that of its training, `loss` the newest one, in nats per character."""

    variant: str
    seed: int
    budget: TrainConfig
    metrics: Path
    row: CellResult | None = None
    state: State = "waiting"
    progress: float = 0.0
    loss: float | None = None
    began: float = 0.0  # on this clock
    took: float = 0.0  # seconds, if it was done just now
    resumed_at: float | None = None  # the progress when it was first seen at work
    _touched: int = 0  # when the metrics were written last, before the cell was asked for

    def __post_init__(self) -> None:
        self._touched = self._written()
        if self.row:
            self.finish(self.row)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.variant}, seed {self.seed}"

    def finish(self, row: CellResult) -> None:
        """It has come to this."""
        self.row, self.state = row, "failed" if row.failure else "done"
        self.took = time.monotonic() - self.began if self.began else 0.0

    def look(self, begun: bool) -> None:
        """Read how far it is; `begun`: it is known to be at work."""
        if self.row:
            return
        written = self._written() > self._touched
        if not self.began and (begun or written):
            self.began, self.state = time.monotonic(), "starting"
        if written:
            self._read()

    @property
    def promise(self) -> float:
        """Seconds that all of it would take at its pace; 0 while that is not known."""
        done = self.progress - (self.resumed_at or 0.0)
        return (
            (time.monotonic() - self.began) / (done * _TRAINING_FRACTION)
            if self.state == "running" and done > 0.02
            else 0.0
        )

    def left(self, typical: float) -> float:
        """Seconds until it is done, if one like it takes `typical`."""
        if promise := self.promise:
            return promise * (1 - self.progress * _TRAINING_FRACTION)
        return max(0.0, typical - (time.monotonic() - self.began)) if self.began else typical

    def _read(self) -> None:
        try:
            record = last_record(self.metrics)
        except (OctavoError, OSError):
            return
        if record is None:
            return
        self.state = "running"
        if record["event"] == "step":  # a look at other text has a loss too, which is another figure
            self.loss = record.get("nats_per_character", self.loss)
        for name, scale in (("steps", ("step", 1)), ("epochs", ("epoch", 1)), ("minutes", ("seconds", 60))):
            if budget := getattr(self.budget, name):
                self.progress = min(1.0, record.get(scale[0], 0) / (budget * scale[1]))
        if self.resumed_at is None:
            self.resumed_at = self.progress if self._touched else 0.0

    def _written(self) -> int:
        try:
            return self.metrics.stat().st_mtime_ns
        except OSError:
            return 0


def time_left(cells: Iterable[CellStatus], at_once: int) -> float | None:
    """Seconds until all are done, by those of this sitting; None while nothing is known.

    A cell takes as long as others of its variant took, else as one of them promises to take, else as the others.
    """
    cells = list(cells)
    took: dict[str, list[float]] = {}
    for cell in cells:
        if cell.state == "done" and cell.took and not cell.resumed_at:
            took.setdefault(cell.variant, []).append(cell.took)
    for cell in cells:
        if promise := cell.promise:
            took.setdefault(cell.variant, [promise])
    if not took:
        return None
    means = {variant: sum(seconds) / len(seconds) for variant, seconds in took.items()}
    typical = sum(means.values()) / len(means)
    left = [cell.left(means.get(cell.variant, typical)) for cell in cells if not cell.row]
    under_way = sum(cell.state in ("starting", "running") for cell in cells)
    return max(sum(left) / max(1, at_once or under_way), max(left, default=0.0))


def is_running(future: "Future[CellResult | None] | None") -> bool:
    """Whether a future says that its call has begun."""
    return future is not None and future.running()
