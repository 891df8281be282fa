"""Runs that are killed again and again, and gone on with: what the tests do a few times and `make soak` many."""

from pathlib import Path
from random import Random
from typing import Any

from tests.faults.harness import KILLED, Fault, Nursery, differences


def killed_at_random(
    nursery: Nursery,
    run: Path,
    text: Path,
    expected: Path,
    random: Random,
    *,
    seconds: float,
    most: int,
    **given: Any,
) -> int:
    """Kill a run at random moments, `most` times or until it has ended, let it come to its end, and see that it is
    the expected one; how many kills there were. `seconds` is what it takes undisturbed."""
    kills = 0
    while kills < most:
        outcome = nursery.begin_or_resume(run, text, kill_after=random.uniform(0, seconds), **given)
        if outcome.code == 0:
            break
        assert outcome.code == KILLED, outcome.said
        kills += 1
    _to_the_end(nursery, run, text, expected, **given)
    return kills


def harmed_at_a_call(nursery: Nursery, run: Path, text: Path, expected: Path, fault: Fault, **given: Any) -> str:
    """Do harm to a run at one system call, let it come to its end, and see that it is the expected one; what was
    said when it was harmed."""
    outcome = nursery.train(run, text, fault=fault, **given)
    if fault.how < 0:
        assert outcome.code == KILLED, (fault, outcome)
    else:
        assert outcome.code == 2, (fault, outcome)
        assert outcome.said.splitlines()[-1].startswith("octavo: "), outcome.said
        assert "Traceback" not in outcome.said
    _to_the_end(nursery, run, text, expected, **given)
    return outcome.said.splitlines()[-1] if outcome.said else ""


def _to_the_end(nursery: Nursery, run: Path, text: Path, expected: Path, **given: Any) -> None:
    outcome = nursery.begin_or_resume(run, text, **given)
    assert outcome.code == 0, outcome.said
    assert differences(run, expected) == [], run
    left_over = [path.name for path in (run / "checkpoints").iterdir() if path.name.startswith(".")]
    assert left_over == []
