"""What a person sees while an experiment goes: a table on a terminal, plain lines elsewhere, or nothing."""

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from octavo.experiments.status import CellStatus, time_left
from octavo.pipeline.progress import Display
from octavo.system.terminal import duration, escape_controls

_EVERY = 30.0  # seconds between plain lines of where everything is


class ExperimentDisplay(Display):
    """Shows nothing; the other kinds say more."""

    def ended(self, cell: CellStatus) -> None:
        """A cell is done or has failed."""

    def look(self, cells: Sequence[CellStatus], at_once: int) -> None:
        """Where every cell is; called often."""


class PlainExperimentDisplay(ExperimentDisplay):
    """Lines for a log: each cell as it ends, and now and then where the others are."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._last = file, time.monotonic()

    def note(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # that nobody reads on must not end an experiment
            print(escape_controls(text), file=self._file, flush=True)

    def ended(self, cell: CellStatus) -> None:
        took = f" ({duration(cell.took)})" if cell.took else ""
        self.note(f"{cell.name}: {_outcome(cell)}{took}")

    def look(self, cells: Sequence[CellStatus], at_once: int) -> None:
        if time.monotonic() - self._last < _EVERY:
            return
        self._last = time.monotonic()
        under_way = [f"{cell.name} {_under_way(cell)}" for cell in cells if cell.state in ("starting", "running")]
        self.note("; ".join([_tally(cells, at_once), *under_way]))


class TableExperimentDisplay(ExperimentDisplay):
    """A live table, a row for each variant and a column for each seed, with failures above it."""

    def __init__(self, file: TextIO, title: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=file, highlight=False)
        self._title = title
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def note(self, text: str) -> None:
        self._console.print(escape_controls(text), markup=False, emoji=False)

    def ended(self, cell: CellStatus) -> None:
        if cell.state == "failed":
            self.note(f"{cell.name}: {_outcome(cell)}")

    def look(self, cells: Sequence[CellStatus], at_once: int) -> None:
        self._live.update(self._table(cells, at_once))

    def close(self) -> None:
        self._live.stop()

    def _table(self, cells: Sequence[CellStatus], at_once: int) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        seeds = list(dict.fromkeys(cell.seed for cell in cells))
        table = Table(box=None)
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for seed in seeds:
            table.add_column(Text(f"seed {seed}"), justify="right", no_wrap=True)
        for variant in dict.fromkeys(cell.variant for cell in cells):
            row = {cell.seed: cell for cell in cells if cell.variant == variant}
            table.add_row(Text(variant), *[_of_cell(row[seed]) for seed in seeds])
        title = [Text(escape_controls(self._title), style="bold")] if self._title else []
        return Group(*title, table, Text(_tally(cells, at_once), style="dim"))


def make_experiment_display(show: bool, title: str, file: TextIO | None = None) -> ExperimentDisplay:
    """The kind that suits `file` (standard error)."""
    file = file or sys.stderr
    if not show:
        return ExperimentDisplay()
    return TableExperimentDisplay(file, title) if file.isatty() else PlainExperimentDisplay(file)


def _of_cell(cell: CellStatus) -> Any:
    from rich.text import Text

    if cell.state == "done" and cell.row and cell.row.nats_per_character is not None:
        return Text(f"{cell.row.nats_per_character:.4f}", style="bold")
    if cell.state == "failed":
        return Text("failed", style="red")
    return Text("·" if cell.state == "waiting" else _under_way(cell), style="dim")


def _outcome(cell: CellStatus) -> str:
    assert cell.row is not None
    if cell.row.failure:
        return f"failed: {cell.row.failure}"
    return f"{cell.row.nats_per_character:.4f} nats per character"


def _under_way(cell: CellStatus) -> str:
    if cell.state == "starting":
        return "starting"
    if cell.progress >= 1:
        return "scoring"
    return f"{cell.progress:.0%}" + ("" if cell.loss is None else f" loss {cell.loss:.3f}")


def _tally(cells: Sequence[CellStatus], at_once: int) -> str:
    """How many are where, and for how long yet."""
    counts = {state: sum(cell.state == state for cell in cells) for state in ("done", "failed", "waiting")}
    running = len(cells) - sum(counts.values())
    parts = [f"{counts['done']} of {len(cells)} done", f"{running} running"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    left = time_left(cells, at_once)
    parts += [f"about {duration(left)} left"] if left is not None and (running or counts["waiting"]) else []
    return ", ".join(parts)
