"""The display of an experiment's cells."""

import io
import math
import re
from pathlib import Path

import pytest

from octavo.config import TrainConfig
from octavo.experiments.display import ExperimentDisplay
from octavo.experiments.results import CellResult
from octavo.experiments.status import CellStatus


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def cells(tmp_path: Path) -> list[CellStatus]:
    made = [CellStatus(v, s, TrainConfig(steps=9), tmp_path / "none") for v in ("base", "wide[red]") for s in (1, 2)]
    made[0].finish(CellResult("base", 1, "x", nats_per_character=1.5 * math.log(2)))
    made[1].finish(CellResult("base", 2, "x", failure="step 3: the loss\x1b exploded"))
    made[2].state, made[2].progress, made[2].loss = "running", 0.43, 3.25 * math.log(2)
    return made


def shown(show: bool, cells: list[CellStatus], file: io.StringIO) -> str:
    with ExperimentDisplay(file if show else None, "Is it wide?") as made:
        made.note("a note [bold]as it is[/bold]")
        made.cell_ended(cells[0])
        made.cell_ended(cells[1])
        made.update(cells, 2)
    return file.getvalue()


def test_nothing_when_it_is_not_wanted(cells: list[CellStatus]) -> None:
    assert shown(False, cells, Terminal()) == ""


def test_plain_lines(cells: list[CellStatus], monkeypatch: pytest.MonkeyPatch) -> None:
    out = shown(True, cells, io.StringIO())
    assert out.splitlines() == [
        "a note [bold]as it is[/bold]",
        "base, seed 1: 1.5000 bits per character",
        "base, seed 2: failed: step 3: the loss\\x1b exploded",
    ]
    monkeypatch.setattr(ExperimentDisplay, "refresh_seconds", 0.0)
    last = shown(True, cells, io.StringIO()).splitlines()[-1]
    assert last.startswith("1 of 4 done, 1 running, 1 failed")
    assert "; wide[red], seed 1 43%" in last
    assert "3.250 bits" in last


def test_a_live_table_on_a_terminal(cells: list[CellStatus]) -> None:
    out = shown(True, cells, Terminal())
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert "a note [bold]as it is[/bold]" in plain
    assert "Is it wide?" in plain
    rows = [line.split() for line in plain.splitlines() if line.strip().startswith(("base ", "wide"))]
    assert ["base", "1.5000", "failed"] in rows
    assert ["wide[red]", "43%", "3.250", "bits", "·"] in rows
    assert "base, seed 2: failed: step 3: the loss\\x1b exploded" in plain
    assert "\x1b exploded" not in out
