"""Runs that are killed repeatedly and resumed: a few times in the tests, many times in `make soak`."""

from pathlib import Path
from random import Random
from typing import Any

from tests.faults.harness import KILLED, Fault, Nursery, differences


def killed_at_random(
    nursery: Nursery, folder: Path, text: Path, expected: Path, random: Random, *, kills: int, **given: Any
) -> int:
    """Kill runs at random moments, each up to eight times, until there were `kills` of them.

    Every run is then resumed to its end and compared with the expected one.

    Returns:
        The number of runs.
    """
    runs, seconds = 0, nursery.train(folder / "timed" / "run", text, **given).seconds
    while kills:
        run, left = folder / str(runs) / "run", 8
        while kills and left:
            outcome = nursery.begin_or_resume(run, text, kill_after=random.uniform(0, seconds), **given)
            if outcome.code == 0:
                seconds = min(seconds, outcome.seconds)
                break
            assert outcome.code == KILLED, outcome.said
            kills, left = kills - 1, left - 1
        _to_the_end(nursery, run, text, expected, **given)
        runs += 1
    return runs


def harmed_at_a_call(nursery: Nursery, run: Path, text: Path, expected: Path, fault: Fault, **given: Any) -> str:
    """Inject a fault into a run, resume it to its end and compare it with the expected one; return the error."""
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
