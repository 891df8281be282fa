"""Damaged files of a run: the newest intact checkpoint is used, and the damaged file is named."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.harness import KILLED, Fault, Nursery, differences

from octavo.errors import OctavoWarning
from octavo.pipeline.run import Run
from octavo.pipeline.train import train
from octavo.runs import RunDirectory
from octavo.runs.completion import is_finished
from octavo.runs.scores import standard_score

Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_flipped_bit_is_named_and_the_checkpoint_before_is_used(copied: Run, octavo_process: Octavo) -> None:
    flip(copied.path / "checkpoints" / "step-00000080" / "weights.safetensors")
    done = octavo_process("generate", copied.name, "--max-new-tokens", "5", "--runs", copied.path.parent)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step-00000080 cannot be used (weights.safetensors ") == 1
    assert "step-00000040 is used\n" in done.stderr
    assert "Warning" not in done.stderr
    with pytest.warns(OctavoWarning, match="step-00000080 cannot be used .*: step-00000040 is used"):
        assert copied.evaluate().checkpoint == "step-00000040"


@pytest.fixture(scope="module")
def killed(nursery: Nursery, line_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed during training, with two checkpoints; for reading only."""
    run = tmp_path_factory.mktemp("killed") / "run"
    assert nursery.train(run, line_file, fault=Fault(175)).code == KILLED
    assert sorted(os.listdir(run / "checkpoints"))[-2:] == ["step-00000004", "step-00000008"]
    return run


@pytest.fixture
def half(killed: Path, tmp_path: Path) -> Path:
    """A copy of the killed run."""
    return Path(shutil.copytree(killed, tmp_path / "run"))


@pytest.mark.parametrize("what", ["truncated", "flipped", "missing", "no manifest", "all but the first"])
def test_a_run_is_resumed_from_the_newest_intact_checkpoint(
    nursery: Nursery, half: Path, by_steps: Path, what: str
) -> None:
    newest = half / "checkpoints" / "step-00000008"
    file = newest / ("manifest.json" if what == "no manifest" else "optimizer.safetensors")
    if what == "flipped":
        flip(file)
    elif what == "truncated":
        file.write_bytes(file.read_bytes()[:-7])
    elif what == "all but the first":
        shutil.rmtree(newest)
        newest.mkdir()
    else:
        file.unlink()
    resumed = nursery.train(half)
    assert resumed.code == 0, resumed.said
    assert "step-00000008 cannot be used (" in resumed.said
    assert "from step-00000004" in resumed.said
    assert differences(half, by_steps) == []


@pytest.mark.parametrize("scored", [False, True])
def test_a_finished_run_whose_newest_checkpoint_is_damaged_is_trained_to_its_end_again(
    nursery: Nursery, by_steps: Path, tmp_path: Path, scored: bool
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(by_steps, run.path)
    flip(run.path / "checkpoints" / run.newest_checkpoint / "weights.safetensors")
    if not scored:
        (run.path / "evaluation.json").unlink()
        with pytest.warns(OctavoWarning, match="step-00000014 cannot be used .*: step-00000012 is used"):
            Run(run).evaluate()
        assert standard_score(run) is None
    resumed = nursery.train(run.path)
    assert resumed.code == 0, resumed.said
    assert resumed.said.count("step-00000014 cannot be used") == 1
    assert "from step-00000012" in resumed.said
    assert standard_score(run) is not None
    assert differences(run.path, by_steps) == []
    assert "is finished" in nursery.train(run.path).said


def test_a_damaged_finished_run_is_finished_after_it_is_resumed(trained: Run, copied: Run) -> None:
    flip(copied.path / "checkpoints" / "step-00000080" / "weights.safetensors")
    with pytest.warns(OctavoWarning, match="step-00000040 is used"):
        copied.evaluate()
    assert not is_finished(copied.directory)
    with pytest.warns(OctavoWarning, match="step-00000040 is used"):
        train(resume=True, runs=copied.path.parent, progress=False)
    assert is_finished(copied.directory)
    file = Path("checkpoints", trained.checkpoint, "weights.safetensors")
    assert (copied.path / file).read_bytes() == (trained.path / file).read_bytes()


@pytest.mark.parametrize("what", ["half a line", "the file is gone", "cut short"])
def test_damaged_metrics_do_not_lose_any_training(nursery: Nursery, half: Path, by_steps: Path, what: str) -> None:
    log = half / "metrics.jsonl"
    content = log.read_bytes()
    if what == "half a line":
        log.write_bytes(content + b'{"event": "step", "st')
    elif what == "cut short":
        log.write_bytes(content[:150])
    else:
        log.unlink()
    resumed = nursery.train(half)
    assert resumed.code == 0, resumed.said
    lost = [] if what == "half a line" else ["metrics.jsonl"]
    assert ("metrics.jsonl lost lines before step 8" in resumed.said) is bool(lost)
    assert [name for name in differences(half, by_steps) if name != "evaluation.json"] == lost


def test_a_clock_that_goes_backwards_changes_nothing(nursery: Nursery, half: Path, by_steps: Path) -> None:
    for path in [half, *half.rglob("*")]:
        os.utime(path, (4e9, 4e9))  # written in the year 2096
    back = "import time, octavo.runs.provenance as p; time.time = lambda: 1e9\n" + (
        "from datetime import datetime, UTC\n"
        "class Past(datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None): return datetime.fromtimestamp(1e9, tz)\n"
        "p.datetime = Past\n"
    )
    resumed = nursery.train(half, patches=[back])
    assert resumed.code == 0, resumed.said
    assert "2001-09-09" in (half / "provenance.json").read_text()
    assert differences(half, by_steps) == []
