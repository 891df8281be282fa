"""The status of cells, read from their metrics, and the time that is left."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from octavo.config import TrainConfig
from octavo.experiments.results import CellResult
from octavo.experiments.status import CellStatus, time_left

STEPS = TrainConfig(steps=100)


def write(path: Path, **record: Any) -> None:
    with path.open("ab") as file:
        file.write(json.dumps(record).encode() + b"\n")
    os.utime(path, ns=(time.time_ns() + 10**9, time.time_ns() + 10**9))  # whatever the file system's clock


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def seen(cell: CellStatus, begun: bool) -> tuple[str, float, float | None]:
    cell.refresh(begun)
    return cell.state, cell.progress, cell.loss


def test_from_waiting_to_done(metrics: Path) -> None:
    cell = CellStatus("a", 1, STEPS, metrics)
    assert cell.name == "a, seed 1"
    assert seen(cell, False) == ("waiting", 0, None)
    assert seen(cell, True) == ("starting", 0, None)
    write(metrics, event="step", step=25, nats_per_character=3.5, seconds=1.0, epoch=0.1)
    assert seen(cell, True) == ("running", 0.25, 3.5)
    write(metrics, event="validation", step=25, nats_per_character=9.0, part="validation", seconds=1.0, epoch=0.1)
    assert seen(cell, True) == ("running", 0.25, 3.5), "the loss on the validation split is another figure"
    write(metrics, event="checkpoint", step=50, seconds=2.0, epoch=0.2)
    assert seen(cell, True) == ("running", 0.5, 3.5)
    cell.finish(CellResult("a", 1, "a-seed1", nats_per_character=1.0))
    assert cell.took > 0
    assert seen(cell, True)[0] == "done"


def test_metrics_of_an_earlier_session_do_not_mean_that_the_cell_runs(metrics: Path) -> None:
    write(metrics, event="step", step=25, nats_per_character=3.5)
    cell = CellStatus("a", 1, STEPS, metrics)
    cell.refresh(False)
    assert cell.state == "waiting"


def test_without_a_running_future_the_metrics_decide(metrics: Path) -> None:
    cell = CellStatus("a", 1, STEPS, metrics)
    write(metrics, event="step", step=10, nats_per_character=3.5)
    cell.refresh(False)
    assert (cell.state, cell.progress) == ("running", 0.1)


@pytest.mark.parametrize(
    ("budget", "expected"), [(TrainConfig(epochs=2.0), 0.25), (TrainConfig(minutes=1.0), 0.5), (STEPS, 0.75)]
)
def test_progress_is_of_the_budget(metrics: Path, budget: TrainConfig, expected: float) -> None:
    cell = CellStatus("a", 1, budget, metrics)
    write(metrics, event="step", step=75, epoch=0.5, seconds=30.0, nats_per_character=1.0)
    cell.refresh(True)
    assert cell.progress == expected


def test_damaged_metrics_are_ignored(metrics: Path) -> None:
    cell = CellStatus("a", 1, STEPS, metrics)
    metrics.write_bytes(b"[1]\n")
    cell.refresh(True)
    assert cell.state == "starting"


def cells(metrics: Path, *states: str, variant: str = "a") -> list[CellStatus]:
    made = []
    for seed, state in enumerate(states):
        cell = CellStatus(variant, seed, STEPS, metrics)
        if state == "done":
            cell.began = time.monotonic() - 100.0
            cell.finish(CellResult(variant, seed, "x", nats_per_character=1.0))
        made.append(cell)
    return made


def test_the_time_left(metrics: Path) -> None:
    assert time_left(cells(metrics, "waiting", "waiting"), 2) is None
    assert time_left(cells(metrics, "done", "waiting", "waiting", "waiting"), 1) == pytest.approx(300, abs=1)
    assert time_left(cells(metrics, "done", "waiting", "waiting", "waiting"), 2) == pytest.approx(150, abs=1)
    assert time_left(cells(metrics, "done", "waiting"), 8) == pytest.approx(100, abs=1), "one takes as long as one"
    assert time_left(cells(metrics, "done", "done"), 2) == 0


def test_the_time_left_from_a_cell_that_is_half_done(metrics: Path) -> None:
    running, waiting = cells(metrics, "waiting", "waiting")
    running.state, running.began, running.progress = "running", time.monotonic() - 95.0, 0.5
    left = time_left([running, waiting], 1)
    assert left == pytest.approx(105 + 200, abs=2), "200 s each, of which a twentieth is for the score"


def test_the_time_of_a_resumed_cell_is_extrapolated_from_this_session(metrics: Path) -> None:
    write(metrics, event="step", step=50, nats_per_character=3.5)
    cell = CellStatus("a", 1, STEPS, metrics)
    write(metrics, event="step", step=50, nats_per_character=3.5)
    os.utime(metrics, ns=(time.time_ns() + 10**10, time.time_ns() + 10**10))
    cell.refresh(True)
    assert (cell.resumed_at, cell.expected_seconds) == (0.5, 0)
    cell.progress, cell.began = 0.6, time.monotonic() - 9.5
    assert cell.expected_seconds == pytest.approx(100, abs=1), "a tenth in 9.5 s, and a twentieth more for the score"
    assert time_left([cell], 1) == pytest.approx(43, abs=1)
