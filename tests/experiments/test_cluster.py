"""A real Dask scheduler with two worker processes, one of which is killed during training."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.dying import with_parent

from octavo.formats.toml_schema import as_mapping, dotted_names
from octavo.pipeline.run import load
from octavo.pipeline.train import train

Values = dict[str, Any]
Octavo = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


STEPS = 120
# A worker loads this before it takes work. It makes steps slower, so that both workers can be observed at work.
LOADED_AND_SLOW = """
import time, torch._dynamo
import octavo.training.loop as loop
from octavo.training.step import training_step as step
loop.training_step = lambda *given, **options: (time.sleep(0.03), step(*given, **options))[1]
"""


class Cluster:
    """A scheduler and two workers, each a process."""

    def __init__(self, folder: Path, environment: dict[str, str], stack: ExitStack) -> None:
        self.folder, self.environment, self.stack = folder, environment, stack
        place = folder / "scheduler.json"
        self.scheduler = self.start("scheduler", "--port", "0", "--scheduler-file", str(place))
        (folder / "slow.py").write_text(LOADED_AND_SLOW)
        alone = (*self.ALONE, "--preload", str(folder / "slow.py"))
        self.workers = [self.start("worker", "--scheduler-file", str(place), *alone) for _ in range(2)]
        self.until(lambda: (folder / "cluster.log").read_text().count("Registered to:") == len(self.workers))
        self.address = json.loads(place.read_text())["address"]

    ALONE = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--death-timeout", "60")

    def start(self, what: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "dask", what, "--no-dashboard", *options]
        with (self.folder / "cluster.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, preexec_fn=with_parent()
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert self.scheduler.poll() is None, (self.folder / "cluster.log").read_text()
            assert time.monotonic() < deadline, (self.folder / "cluster.log").read_text()
            time.sleep(0.01)


@pytest.fixture
def cluster(tmp_path: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, environment, stack)


def test_a_cell_of_a_killed_worker_is_resumed_on_the_other(
    cluster: Cluster, values: Values, tmp_path: Path, environment: dict[str, str]
) -> None:
    values |= {"seeds": [1], "variants": {"narrow": {}, "wide": {"model.d_ff": 96}}, "steps": STEPS}
    values["overrides"] |= {"train.validate_every": -1, "train.checkpoint_every": 20}
    (tmp_path / "widths.toml").write_text(tomli_w.dumps(values))
    command = [sys.executable, "-m", "octavo.cli.main", "experiment", str(tmp_path / "widths.toml")]
    process = subprocess.Popen(
        [*command, "--runs", str(tmp_path), "--scheduler", cluster.address],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=with_parent(),
    )
    cluster.stack.callback(process.kill)
    folder = tmp_path / "widths"
    runs = [folder / f"{name}-seed1" for name in ("narrow", "wide")]
    cluster.until(lambda: process.poll() is not None or all(any(run.glob("checkpoints/step-*")) for run in runs))
    assert process.poll() is None, process.communicate()
    cluster.workers[0].send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    rows = json.loads((folder / "experiment.json").read_text())["rows"]
    assert [(row["variant"], row["failure"], row["steps"]) for row in rows] == [
        ("narrow", "", STEPS),
        ("wide", "", STEPS),
    ]
    assert sorted(row["sittings"] for row in rows) == [1, 2], "one of them continued on the other worker"
    resumed = next(row for row in rows if row["sittings"] == 2)
    session = load(folder / resumed["run"]).directory.provenance["sittings"][1]
    assert session["first_step"] >= 20, "from its checkpoint"
    assert session["threads"] == 1
    cell = load(resumed["run"], runs=folder)
    settings = as_mapping(cell.config)
    named = {name: settings[s][k] for name in dotted_names(settings) for s, k in [name.split(".")]}
    alone = train(values["text"], name="alone", overrides=named, runs=tmp_path / "alone", progress=False, brief=True)
    for group in ("weights", "optimizer"):
        file = Path("checkpoints", cell.checkpoint, f"{group}.safetensors")
        assert (cell.path / file).read_bytes() == (alone.path / file).read_bytes(), "as without a kill"
    assert cell.evaluation.nats_per_token == alone.evaluation.nats_per_token
    assert all(row["peak_memory_bytes"] is None for row in rows), "a worker runs more than one cell"
    assert f"on the cluster at {cluster.address}" in err
    assert "| wide " in out
