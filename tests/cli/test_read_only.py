"""A run in a place that cannot be written to: results are shown, not kept, and that is said."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.errors import OctavoError, OctavoWarning
from octavo.pipeline.run import Run, load

NOBODY = 65534

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or (os.getuid() == 0 and not hasattr(os, "setresuid")),
    reason="permissions of POSIX, and a way to be bound by them",
)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, where the tests run as root, whom no permission stops."""
    if sys.platform == "win32" or os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture(scope="module")
def read_only(trained: Run) -> Iterator[Path]:
    """Two copies of the run, in a folder that cannot be written to."""
    top = Path(tempfile.mkdtemp())  # others may go through it, as not through the folders of pytest
    root = top / "runs"
    for name in ("play", "other"):
        shutil.copytree(trained.path, root / name)
    # What is imported late comes now: Python itself may lie where nobody cannot read it.
    assert main(["heads", "play", "--windows", "1", "--runs", str(root)]) == 0
    for name in ("play", "other"):
        shutil.rmtree(root / name / "analysis", ignore_errors=True)
        for made in ("evaluation.json", "baselines.json", "memorisation.json", "diagnosis.json"):
            (root / name / made).unlink()
    for folder in (top, root, *root.rglob("*")):
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    top.chmod(0o755)
    yield root
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    shutil.rmtree(top)


def told(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    before = sorted(path for path in root.rglob("*"))
    with without_privileges():
        assert not os.access(root / "play", os.W_OK), "or the test shows nothing"
        code = main([*arguments, "--runs", str(root)])
    assert sorted(path for path in root.rglob("*")) == before
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.filterwarnings("default::octavo.errors.OctavoWarning")
def test_a_score_is_shown_with_all_that_goes_with_it(read_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(read_only, capsys, "evaluate", "play")
    assert code == 0
    assert "> this model" in out
    assert "Kneser-Ney" in out
    assert "To fix: " in out
    assert re.search(r"longest run \d+ characters", " ".join(out.split()))
    assert "written to" not in out
    assert err.count("cannot be written to (Permission denied)") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("surprise", "play"),
        ("lens", "play"),
        ("edit", "play", "Speak", "--zero", "blocks.0.attention.output"),
        ("heads", "play", "--windows", "4"),
    ],
    ids=lambda command: command[0],
)
def test_what_the_terminal_shows_needs_no_file(
    read_only: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    code, out, _ = told(read_only, capsys, *command)
    assert code == 0
    assert len(out.splitlines()) > 3
    assert f"not kept: {read_only / 'play' / 'analysis'} cannot be written to" in out
    assert "--output" in out
    assert main([*command, "--runs", str(read_only), "--output", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        ("attention", "play", "Speak"),
        ("curves", "play"),
        ("report", "play"),
        ("playground", "play"),
        ("compare", "play", "other"),
    ],
    ids=lambda command: command[0],
)
def test_a_page_says_before_the_work_where_else_it_could_be(
    read_only: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("octavo.pipeline.run.Run.splits", None)  # the work is not begun
    code, out, err = told(read_only, capsys, *command)
    assert (code, out) == (2, "")
    assert "cannot write into" in err
    assert "as --output" in err


@pytest.mark.parametrize(
    "command",
    [
        ("generate", "play", "Speak", "--max-new-tokens", "3"),
        ("runs",),
        ("verify", "play"),
        ("tokenizer", "play", "a"),
    ],
    ids=lambda command: command[0],
)
def test_commands_that_write_nothing_work_as_ever(
    read_only: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    code, out, _ = told(read_only, capsys, *command)
    assert code == 0
    assert out


def test_curves_are_drawn_elsewhere(read_only: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "curves"
    assert main(["curves", "play", "--runs", str(read_only), "--output", str(place)]) == 0
    assert {path.name for path in place.iterdir()} >= {"curves.html", "steps.png", "seconds.svg"}
    assert main(["curves", "play", "--runs", str(read_only), "--output", str(place)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_from_python_results_come_back_with_a_warning(read_only: Path) -> None:
    run = load(read_only / "play")
    with without_privileges(), pytest.warns(OctavoWarning, match="not saved"):
        score = run.evaluate()
    assert score.characters == 4_000
    assert run.has_unsaved_results
    with pytest.raises(OctavoError, match="no score yet"):
        _ = run.evaluation


def test_a_run_that_must_keep_its_results_raises(read_only: Path) -> None:
    run = Run(load(read_only / "play").directory, must_save=True)
    with without_privileges(), pytest.raises(PermissionError):
        run.evaluate()
