"""Runs that are killed, at random moments and at system calls, end bit for bit as undisturbed ones."""

import errno
import json
import os
import re
import shutil
from pathlib import Path
from random import Random

import pytest
from tests.faults.harness import EPOCHS, HALF_A_WRITE, KILLED, STEPS, Fault, Nursery, differences
from tests.faults.kills import harmed_at_a_call, killed_at_random

SAVING = "owsrm"  # the calls that a full disk can refuse


@pytest.fixture(scope="module")
def calls(nursery: Nursery, line_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Return the number of system calls of these kinds that a run makes on its folder."""
    folder = tmp_path_factory.mktemp("counted")
    kinds = (Fault(0).kinds, SAVING, "w")
    return {kind: nursery.train(folder / kind / "run", line_file, fault=Fault(0, kinds=kind)).calls for kind in kinds}


@pytest.mark.parametrize("budget", ["steps", "epochs"])
def test_at_random_moments(
    nursery: Nursery, line_file: Path, by_steps: Path, by_epochs: Path, tmp_path: Path, budget: str
) -> None:
    given, expected = (STEPS, by_steps) if budget == "steps" else (EPOCHS, by_epochs)
    killed_at_random(nursery, tmp_path, line_file, expected, Random(budget), kills=3, **given)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.55, 0.7, 0.97])
def test_at_a_system_call(
    nursery: Nursery, line_file: Path, by_steps: Path, calls: dict[str, int], tmp_path: Path, share: float
) -> None:
    whole = calls[Fault(0).kinds]
    assert whole > 100
    harmed_at_a_call(nursery, tmp_path / "run", line_file, by_steps, Fault(1 + int(share * whole)))


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_in_the_middle_of_a_write(
    nursery: Nursery, line_file: Path, by_steps: Path, calls: dict[str, int], tmp_path: Path, share: float
) -> None:
    fault = Fault(1 + int(share * calls["w"]), HALF_A_WRITE, "w")
    harmed_at_a_call(nursery, tmp_path / "run", line_file, by_steps, fault)


@pytest.mark.parametrize(
    ("share", "error"),
    [(0.1, errno.ENOSPC), (0.5, errno.ENOSPC), (0.8, errno.EIO), (1.0, errno.ENOSPC)],
)
def test_a_refused_system_call_is_an_error_message_and_nothing_is_lost(
    nursery: Nursery,
    line_file: Path,
    by_steps: Path,
    calls: dict[str, int],
    tmp_path: Path,
    share: float,
    error: int,
) -> None:
    fault = Fault(max(1, int(share * calls[SAVING])), error, SAVING)
    said = harmed_at_a_call(nursery, tmp_path / "run", line_file, by_steps, fault)
    assert said.startswith(f"octavo: {tmp_path / 'run'}"), said
    assert os.strerror(error) in said
    if error == errno.ENOSPC:
        assert re.search(r"[\d,]+ bytes", said), said


@pytest.fixture(scope="module")
def extended(nursery: Nursery, by_steps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of 14 steps that was extended to 20."""
    run = tmp_path_factory.mktemp("extended") / "run"
    shutil.copytree(by_steps, run)
    assert nursery.train(run, steps=20).code == 0
    return run


@pytest.mark.parametrize("call", [*range(2, 60, 6), 100])
def test_killed_while_it_is_extended_a_run_is_extended_by_the_next_call(
    nursery: Nursery, by_steps: Path, extended: Path, tmp_path: Path, call: int
) -> None:
    run = tmp_path / "run"
    shutil.copytree(by_steps, run)
    assert nursery.train(run, steps=20, fault=Fault(call)).code == KILLED
    assert list((run / "checkpoints").glob("step-*")), "there is a checkpoint at any time"
    again = nursery.train(run, steps=20)
    assert again.code == 0, again.said
    assert differences(run, extended) == []
    assert len(json.loads((run / "provenance.json").read_text())["extensions"]) == 1


class TestABudgetInMinutes:
    def test_a_resumed_run_keeps_its_time_and_warns_that_it_is_not_bit_exact(
        self, nursery: Nursery, line_file: Path, tmp_path: Path
    ) -> None:
        run = tmp_path / "run"
        # Each step takes at least a twentieth of a second, so that the time spent by a checkpoint is known.
        slow = (
            "import time, octavo.training.loop as loop\n"
            "step = loop.training_step\n"
            "loop.training_step = lambda *given, **options: (time.sleep(0.05), step(*given, **options))[1]\n"
        )
        killed = nursery.train(run, line_file, minutes=0.03, fault=Fault(170), patches=[slow])
        assert killed.code == KILLED, killed.said
        newest = max((run / "checkpoints").glob("step-*"))
        spent = json.loads((newest / "state.json").read_text())["seconds"]
        assert 0.4 <= spent < 1.8
        resumed = nursery.train(run, patches=[slow])
        assert resumed.code == 0, resumed.said
        assert f"from {newest.name}" in resumed.said
        assert "of 2 s" in resumed.said
        assert "learning rate" in resumed.said
        events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert [event["step"] for event in events] == sorted(event["step"] for event in events)
        resumed_at = [event["seconds"] for event in events if event["step"] > int(newest.name.removeprefix("step-"))]
        assert resumed_at
        assert all(seconds >= spent + 0.05 for seconds in resumed_at)
        assert events[-1]["seconds"] >= 1.8
        assert events[-1]["step"] <= 36, "no more than the time allowed, over both sessions"

    def test_other_budgets_have_no_such_warning(self, nursery: Nursery, line_file: Path, tmp_path: Path) -> None:
        assert nursery.train(tmp_path / "run", line_file, fault=Fault(150)).code == KILLED
        resumed = nursery.train(tmp_path / "run")
        assert "from step-" in resumed.said
        assert "learning rate" not in resumed.said


def test_the_comparison_detects_another_seed(
    by_steps: Path, nursery: Nursery, line_file: Path, tmp_path: Path
) -> None:
    assert nursery.train(tmp_path / "other", line_file, steps=14, overrides={"train.seed": 43}).code == 0
    seen = differences(tmp_path / "other", by_steps)
    assert {"weights.safetensors", "optimizer.safetensors", "metrics.jsonl", "evaluation.json"} <= set(seen)
