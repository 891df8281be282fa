"""Experiments whose cells are killed, in processes of this machine and on workers of a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import tomli_w
from tests.dying import with_parent
from tests.faults.harness import HERE, SETTINGS, differences

NAMES = ("narrow-seed1", "narrow-seed2", "wide-seed1", "wide-seed2")
_TIMEOUT = 120.0  # seconds


def write_spec(folder: Path, text: Path, steps: int = 300) -> Path:
    """Write the file of an experiment with four cells of some seconds each."""
    value: dict[str, Any] = {"title": "Widths", "text": str(text), "seeds": [1, 2], "steps": steps}
    value["overrides"] = SETTINGS | {"train.checkpoint_every": 20, "train.patience": 0}
    value["variants"] = {"narrow": {}, "wide": {"model.d_ff": 32}}
    spec = folder / "widths.toml"
    spec.write_text(tomli_w.dumps(value))
    return spec


def undisturbed(spec: Path, runs: Path) -> Path:
    """Run the experiment without kills; return its folder."""
    command = _command(spec, runs)
    done = subprocess.run(
        command, env=_environment(), cwd=HERE.parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return runs / "widths"


def killed_cells(spec: Path, runs: Path, expected: Path, random: Random, *, dask: bool) -> int:
    """Kill the process of each cell once at a random moment, and compare each cell with its undisturbed run.

    Returns:
        The number of kills: a cell may end before its kill.
    """
    with ExitStack() as stack:
        start_worker, options = _nothing, ["--workers", "2"]
        if dask:
            start_worker, address = _cluster(spec.parent, stack)
            options = ["--scheduler", address]
        process = subprocess.Popen(
            [*_command(spec, runs), *options],
            env=_environment(),
            cwd=HERE.parents[1],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=with_parent(),
        )
        stack.callback(process.kill)
        due = {name: random.uniform(0.0, 1.5) for name in NAMES}
        kills, deadline = 0, time.monotonic() + _TIMEOUT
        seen: dict[str, float] = {}
        while process.poll() is None:
            assert time.monotonic() < deadline
            for name in [name for name in due if _holder(runs / "widths" / name)]:
                began = seen.setdefault(name, time.monotonic())
                holder = _holder(runs / "widths" / name)
                if time.monotonic() - began >= due[name] and holder:
                    del due[name]
                    os.kill(holder, signal.SIGKILL)
                    kills += 1
                    start_worker()
            time.sleep(0.005)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read()
        process.stderr.close()
    for name in NAMES:
        assert differences(runs / "widths" / name, expected / name) == [], name
    return kills


def _nothing() -> None:
    """A process of this machine is replaced by the experiment itself."""


def _holder(run: Path) -> int:
    """The process that trains a run, as its lock says; 0 if none does."""
    try:
        return int((run / ".lock").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _command(spec: Path, runs: Path) -> list[str]:
    return [sys.executable, "-m", "octavo.cli.main", "experiment", str(spec), "--runs", str(runs)]


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"OMP_NUM_THREADS": "1"}


def _cluster(folder: Path, stack: ExitStack) -> tuple[Callable[[], None], str]:
    """A scheduler with two workers: what starts another worker, and the address."""
    place = folder / f"scheduler-{time.monotonic_ns()}.json"

    def start(what: str, *options: str) -> None:
        command = [sys.executable, "-m", "dask", what, "--no-dashboard", "--scheduler-file", str(place), *options]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=with_parent(),
        )
        stack.callback(process.wait)
        stack.callback(process.kill)

    def start_worker() -> None:
        start("worker", "--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--death-timeout", "60")

    start("scheduler", "--port", "0")
    for _ in range(2):
        start_worker()
    deadline = time.monotonic() + _TIMEOUT
    while not (place.exists() and place.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return start_worker, str(json.loads(place.read_text())["address"])
