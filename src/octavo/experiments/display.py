"""Show where the cells of an experiment are: a live table on a terminal, plain lines in a log, or nothing."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from octavo.experiments.results import CellResult
from octavo.experiments.status import CellStatus, time_left
from octavo.pipeline.progress import Display
from octavo.system.terminal import duration, escape_controls

if TYPE_CHECKING:
    from rich.console import Console


class ExperimentDisplay(Display):
    """Show a row for each variant and a column for each seed, or each cell in a line when it ends.

    The table shows only failures as lines of their own.
    """

    refresh_seconds = 30.0

    def __init__(self, file: TextIO | None = None, title: str = "") -> None:
        self._title = title
        super().__init__(file)

    def live_area(self, console: "Console") -> Any:
        """Return the table."""
        from rich.live import Live

        return Live(console=console, refresh_per_second=4, transient=True)

    def cell_ended(self, cell: CellStatus) -> None:
        """Show a cell that is done or has failed."""
        if self._console and cell.state != "failed":
            return
        time_taken = f" ({duration(cell.took)})" if cell.took and not self._console else ""
        result = cell.row
        assert result is not None
        outcome = f"failed: {result.failure}" if result.failure else f"{_bits(result):.4f} bits per character"
        self.note(f"{cell.name}: {outcome}{time_taken}")

    def update(self, cells: Sequence[CellStatus], at_once: int) -> None:
        """Show where every cell is; may be called often. `at_once`: how many cells run at a time; 0 if unknown."""
        if self._console:
            self.live.update(self._table(cells, at_once))
        else:
            running = [f"{cell.name} {_state(cell)}" for cell in cells if cell.state in ("starting", "running")]
            self.note_now_and_then("; ".join([_tally(cells, at_once), *running]))

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
            table.add_row(Text(variant), *[_table_cell(row[seed]) for seed in seeds])
        title = [Text(escape_controls(self._title), style="bold")] if self._title else []
        return Group(*title, table, Text(_tally(cells, at_once), style="dim"))


def _table_cell(cell: CellStatus) -> Any:
    from rich.text import Text

    if cell.state == "done" and cell.row and cell.row.scored:
        return Text(f"{_bits(cell.row):.4f}", style="bold")
    if cell.state == "failed":
        return Text("failed", style="red")
    return Text("·" if cell.state == "waiting" else _state(cell), style="dim")


def _bits(result: CellResult) -> float:
    """Return the score in bits per character; NaN for an unknown one."""
    return (math.nan if result.nats_per_character is None else result.nats_per_character) / math.log(2)


def _state(cell: CellStatus) -> str:
    if cell.state == "starting":
        return "starting"
    if cell.progress >= 1:
        return "scoring"
    return f"{cell.progress:.0%}" + ("" if cell.loss is None else f" {cell.loss / math.log(2):.3f} bits")


def _tally(cells: Sequence[CellStatus], at_once: int) -> str:
    """Return how many cells are in each state, and the time until all are done."""
    counts = {state: sum(cell.state == state for cell in cells) for state in ("done", "failed", "waiting")}
    running = len(cells) - sum(counts.values())
    parts = [f"{counts['done']} of {len(cells)} done", f"{running} running"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    left = time_left(cells, at_once)
    parts += [f"about {duration(left)} left"] if left is not None and (running or counts["waiting"]) else []
    return ", ".join(parts)
