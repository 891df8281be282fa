"""Checkpoints are known by their names, and the newest is that of the latest step."""

from pathlib import Path

import pytest

from octavo.runs.checkpoint_files import newest_first, step_of


def test_the_newest_is_that_of_the_latest_step(tmp_path: Path) -> None:
    for name in ("step-99999999", "step-00000001", "step-100000000", "step-00000020"):
        (tmp_path / name).mkdir()
    assert [place.name for place in newest_first(tmp_path)] == [
        *("step-100000000", "step-99999999", "step-00000020", "step-00000001")
    ]


@pytest.mark.parametrize(
    "name",
    ["step-", "step-1", "step-0000001x", "step-٠٠٠٠٠٠٠١", "step-00000001.tmp", "xstep-00000001", "step-00000001\n"],
)
def test_what_has_another_name_is_none(name: str, tmp_path: Path) -> None:
    assert step_of(name) is None
    (tmp_path / name).mkdir()
    assert newest_first(tmp_path) == []


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert newest_first(tmp_path / "checkpoints") == []
