"""A full, read-only or foreign disk is an error message; nothing is lost, and the run can be resumed."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.harness import Nursery, differences

NOBODY = 65534


class Disk:
    """A small file system in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def mount(self, size: int, *options: str) -> bool:
        """Mount it, or change its size; return whether that succeeded."""
        asked = ",".join([f"size={size}", *options])
        command = ["mount", "-t", "tmpfs", "-o", asked, "tmpfs", str(self.place)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    @property
    def used(self) -> int:
        """Return the free bytes."""
        facts = os.statvfs(self.place)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk")
    disk.place.mkdir()
    if os.name != "posix" or os.geteuid() or not disk.mount(2**24):
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk.place)], check=True)


def said_to_free(said: str) -> int:
    return int(re.findall(r"free ([\d,]+) bytes", said)[0].replace(",", ""))


def test_full_when_a_checkpoint_is_due(nursery: Nursery, line_file: Path, by_steps: Path, disk: Disk) -> None:
    run = disk.place / "run"
    assert nursery.train(run, line_file).code == 0
    needed = disk.used  # with two checkpoints; for a moment there are three
    subprocess.run(["rm", "-r", str(run)], check=True)
    assert disk.mount(needed + 16384, "remount")
    full = nursery.train(run, line_file)
    assert full.code == 2, full.said
    sentence = full.said.splitlines()[-1]
    assert sentence.startswith(f"octavo: {run} cannot be written to at step 12 (No space left on device): free ")
    assert "step-00000008" in sentence
    assert sorted(os.listdir(run / "checkpoints")) == ["before-decay", "step-00000004", "step-00000008"]
    assert (run / "metrics.jsonl").read_bytes().endswith(b"}\n")
    assert nursery.train(run).code == 2, "it is as full as before"
    assert disk.mount(needed + 16384 + said_to_free(sentence), "remount")
    assert nursery.train(run).code == 0
    assert differences(run, by_steps) == []


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_full_at_any_time(nursery: Nursery, line_file: Path, by_steps: Path, disk: Disk, share: float) -> None:
    run = disk.place / "run"
    assert nursery.train(run, line_file).code == 0
    needed = disk.used
    subprocess.run(["rm", "-r", str(run)], check=True)
    assert disk.mount(int(share * needed), "remount")
    full = nursery.train(run, line_file)
    assert full.code == 2, full.said
    sentence = full.said.splitlines()[-1]
    assert sentence.startswith(f"octavo: {run}"), full.said
    assert "No space left on device" in sentence
    assert disk.mount(2**24, "remount")
    assert nursery.begin_or_resume(run, line_file).code == 0
    assert differences(run, by_steps) == []


def test_read_only(nursery: Nursery, line_file: Path, disk: Disk) -> None:
    assert nursery.train(disk.place / "run", line_file).code == 0
    before = {path: path.read_bytes() for path in disk.place.rglob("*") if path.is_file()}
    assert disk.mount(2**24, "remount", "ro")
    resumed, begun = nursery.train(disk.place / "run"), nursery.train(disk.place / "other", line_file)
    for outcome, what in ((resumed, "run cannot be written to"), (begun, "other cannot be created")):
        assert outcome.code == 2
        said = outcome.said.splitlines()[-1]
        assert what in said
        assert "Read-only file system" in said
    assert {path: path.read_bytes() for path in disk.place.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_of_another_user(nursery: Nursery, line_file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("theirs")
    assert nursery.train(folder / "run", line_file).code == 0
    for place in (folder, *folder.parents[:3], line_file, line_file.parent):
        place.chmod(0o755)
    resumed = nursery.train(folder / "run", user=NOBODY)
    begun = nursery.train(folder / "other", line_file, user=NOBODY)
    for outcome, what in ((resumed, "run cannot be written to"), (begun, "other cannot be created")):
        assert outcome.code == 2, outcome.said
        said = outcome.said.splitlines()[-1]
        assert what in said
        assert "Permission denied" in said
    assert os.listdir(folder) == ["run"]
