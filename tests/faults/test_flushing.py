"""A power cut loses nothing: every file is flushed before it is renamed, and its folder right after."""

from pathlib import Path

import pytest
from tests.faults.harness import Fault, Nursery

Calls = list[tuple[str, Path]]


def calls_of(nursery: Nursery, folder: Path, run: Path, text: Path | None) -> Calls:
    """Return letter and path of each system call on the folder `run.parent` and its content."""
    log = folder / "log"
    assert nursery.train(run, text, log=log).code == 0
    lines = (line.partition(" ") for line in log.read_text().splitlines())
    log.unlink()
    return [(letter, Path(path)) for letter, _, path in lines]


def check(calls: Calls) -> list[Path]:
    """Check that everything is flushed around every rename; return the renamed files."""
    renamed = []
    for number, (letter, new) in enumerate(calls):
        if letter != "r":
            continue
        before, (_, old) = calls[: number - 1], calls[number - 1]
        assert calls[number - 1][0] == "f"
        inside = {path for kind, path in before if kind in "ow" and path.is_relative_to(old)}
        assert inside, f"{old} was not written"
        for path in inside:
            last = max(place for place, call in enumerate(before) if call in (("w", path), ("o", path)))
            assert ("s", path) in before[last:], f"{path} was written and not flushed before {new} was there"
        for path in {path.parent for path in inside if path != old}:
            last = max(place for place, (kind, one) in enumerate(before) if kind in "or" and one.parent == path)
            assert ("s", path) in before[last:], f"the names in {path} were not flushed before {new} was there"
        assert calls[number + 1] == ("s", new.parent), f"the name {new} was not flushed"
        renamed.append(new)
    return renamed


def test_every_file_is_flushed_before_its_name_and_every_name_at_once(
    nursery: Nursery, line_file: Path, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "run"
    (tmp_path / "runs").mkdir()
    calls = calls_of(nursery, tmp_path, run, line_file)
    names = [path.name for path in check(calls)]
    assert {"run", "config.toml", "train.npy", "provenance.json", "step-00000014", "evaluation.json"} <= set(names)
    log, resumed = run / "metrics.jsonl", run / "checkpoints"
    begun = calls.index(("o", log))
    assert calls[begun + 1] == ("s", run), "the name of the log was not flushed"
    for number in [number for number, call in enumerate(calls) if call[0] == "r" and call[1].parent == resumed]:
        last = max(place for place, call in enumerate(calls[:number]) if call == ("w", log))
        assert ("s", log) in calls[last:number], "a checkpoint counts on lines that were not flushed"


def test_files_are_flushed_when_a_run_is_resumed(nursery: Nursery, line_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "run"
    (tmp_path / "runs").mkdir()
    assert nursery.train(run, line_file, fault=Fault(115)).code < 0
    assert "step-00000014" in [path.name for path in check(calls_of(nursery, tmp_path, run, None))]


def test_the_check_detects_missing_flushes() -> None:
    a, folder = Path("/run/.a.1"), Path("/run")
    whole = [("o", a), ("w", a), ("s", a), ("f", a), ("r", folder / "a"), ("s", folder)]
    assert check(whole) == [folder / "a"]
    for left_out in (2, 5):
        with pytest.raises(AssertionError, match="flushed"):
            check([call for number, call in enumerate(whole) if number != left_out] + [("w", a)])
