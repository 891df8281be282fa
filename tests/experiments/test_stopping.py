"""Real processes that are stopped by Ctrl-C or kill -9; the next start finishes the table."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from octavo.experiments.experiment import Experiment, experiment

Values = dict[str, Any]
Process = subprocess.Popen[str]
LONG = 200  # steps
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
    pytest.mark.timeout(400),  # several processes that import PyTorch, possibly on a busy machine
]


def wait_until(holds: Callable[[], bool], process: Process) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def file(values: Values, tmp_path: Path) -> Path:
    """Write an experiment with a short cell, a long one, and one that waits."""
    values |= {"seeds": [1], "variants": {"short": {}, "long": {"steps": LONG}, "waits": {"model.d_ff": 48}}}
    values["overrides"] |= {"train.validate_every": -1, "train.checkpoint_every": 20}
    (tmp_path / "widths.toml").write_text(tomli_w.dumps(values))
    return tmp_path / "widths.toml"


def begin(file: Path, environment: dict[str, str], *options: str) -> Process:
    """Start `octavo experiment` in a process group of its own, as a terminal does."""
    command = [sys.executable, "-m", "octavo.cli.main", "experiment", str(file), "--runs", str(file.parent)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command, *options], env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def here(given: Path | Values, runs: Path) -> Experiment:
    """Run the same experiment in this process, which is faster."""
    with ThreadPoolExecutor(1) as executor:
        return experiment(given, name="widths", runs=runs, executor=executor, progress=False)


def saved(run: Path) -> int:
    """Return the step of a run's newest checkpoint."""
    places = sorted((run / "checkpoints").glob("step-*"))
    return int(places[-1].name.removeprefix("step-")) if places else 0


def test_control_c_saves_and_the_next_start_runs_only_what_is_missing(
    file: Path, values: Values, environment: dict[str, str]
) -> None:
    here(values | {"variants": {"short": {}}}, file.parent)
    folder = file.parent / "widths"
    short, long = folder / "short-seed1", folder / "long-seed1"
    before = (short / "metrics.jsonl").stat().st_mtime_ns

    process = begin(file, environment, "--workers", "1")
    wait_until(lambda: saved(long) >= 20, process)
    os.killpg(process.pid, signal.SIGINT)  # to every process of the group, as a terminal does
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert "2 runs" in last
    assert last.endswith(f"experiment {file} --runs {file.parent} --workers 1")
    assert (folder / "table.md").read_text() in out
    assert "2 of 3 runs" in out
    assert [row["variant"] for row in json.loads((folder / "experiment.json").read_text())["rows"]] == ["short"]
    stopped_at = saved(long)
    assert 20 < stopped_at < LONG
    assert not (folder / "waits-seed1").exists()

    result = here(file, file.parent)
    rows = {row.variant: row for row in result.rows}
    assert [*rows] == ["short", "long", "waits"]
    assert (result.missing, result.failed) == (0, 0)
    assert (short / "metrics.jsonl").stat().st_mtime_ns == before, "it was not run twice"
    assert [row.sessions for row in result.rows] == [1, 2, 1]
    sittings = json.loads((long / "provenance.json").read_text())["sittings"]
    assert [session["first_step"] for session in sittings] == [0, stopped_at]
    assert rows["long"].steps == LONG


def test_after_kill_9_the_processes_save_and_stop_and_the_next_start_resumes(
    file: Path, values: Values, environment: dict[str, str]
) -> None:
    file.write_text(tomli_w.dumps(values | {"variants": {"long": {"steps": LONG}}}))  # each is a process to start
    long = file.parent / "widths" / "long-seed1"
    process = begin(file, environment, "--workers", "2")
    wait_until(lambda: saved(long) >= 20, process)
    process.kill()
    process.communicate()
    result = here(file, file.parent)
    assert (result.missing, result.failed) == (0, 0)
    (row,) = result.rows
    assert (row.variant, row.steps, row.sessions) == ("long", LONG, 2)
    sittings = json.loads((long / "provenance.json").read_text())["sittings"]
    assert sittings[1]["first_step"] > 20, "the process that was left running saved its progress"
