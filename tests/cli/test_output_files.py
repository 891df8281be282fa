"""Where files go, and what is replaced there."""

import argparse
import errno
import shutil
from pathlib import Path

import pytest

from octavo.cli.arguments import add_output, output_of, refuse_replacing
from octavo.cli.main import main
from octavo.cli.parser import Parser
from octavo.errors import OctavoError
from octavo.pipeline.run import Run


def parsed(*arguments: str | Path) -> argparse.Namespace:
    parser = Parser()
    add_output(parser)
    return parser.parse_args([*map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_in_the_run_or_where_it_was_asked_for(copied: Run, tmp_path: Path) -> None:
    own = output_of(parsed(), copied.directory, "a")
    assert not (copied.path / "analysis").exists(), "until there is something to write"
    other = output_of(parsed("--output", tmp_path / "a" / "b"), copied.directory, "a")
    for output, folder in ((own, copied.path / "analysis"), (other, tmp_path / "a" / "b")):
        assert output.write(lambda place: [place / "a"]) == [folder / "a"]
    assert (copied.path / "analysis").is_dir()
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_is_no_folder(copied: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OctavoError, match="file is a file: name a folder"):
        output_of(parsed("--output", tmp_path / "file"), copied.directory, "a")


def test_in_the_run_what_the_command_left_there_is_replaced_altogether(copied: Run) -> None:
    folder = copied.path / "analysis"
    folder.mkdir()
    others = ["attention-notes.txt", "attention.md", "heads.html"]
    for name in ["attention-layer-0-head-3.png", "attention-layer-7.svg", *others]:
        (folder / name).touch()
    assert main(["attention", str(copied.path), "Speak"]) == 0
    made = ["attention-layer-0.png", "attention-layer-0.svg", "attention.html"]
    assert names(folder) == sorted([*made, *others])


@pytest.mark.parametrize(
    ("given", "there"),
    [
        (["attention"], "attention-layer-5.png"),
        (["heads", "--windows", "5"], "heads.json"),
        (["surprise"], "surprise.html"),
        (["lens"], "lens.html"),
        (["edit", "--zero", "embedding"], "edit.html"),
        (["report"], "mine.html"),
        (["playground"], "mine.html"),
        (["report", "--format", "md"], "report.md"),
    ],
)
def test_elsewhere_nothing_is_replaced_without_being_told(
    trained: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    there: str,
) -> None:
    (tmp_path / there).write_text("mine")
    monkeypatch.setattr("octavo.pipeline.run.Run", None)  # the work is not begun
    output = tmp_path / there if there == "mine.html" else tmp_path
    command, *options = given
    assert main([command, str(trained.path), *options, "--output", str(output)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"octavo: {tmp_path / there} exists already")
    assert "--overwrite" in message
    assert (tmp_path / there).read_text() == "mine"


def test_what_is_there_is_replaced_if_that_is_said(trained: Run, tmp_path: Path) -> None:
    for name in ("attention.html", "attention-layer-5.png", "mine.png"):
        (tmp_path / name).write_text("mine")
    assert main(["attention", str(trained.path), "Speak", "--output", str(tmp_path), "--overwrite"]) == 0
    assert names(tmp_path) == ["attention-layer-0.png", "attention-layer-0.svg", "attention.html", "mine.png"]
    assert (tmp_path / "attention.html").read_text() != "mine"


@pytest.mark.parametrize(
    ("given", "there"),
    [
        (["attention", "Speak"], ["attention-layer-0.png", "attention-layer-5.png", "attention.html"]),
        (["curves"], ["curves.html", "epochs.svg", "steps.png"]),
        (["heads", "--windows", "5"], ["heads.html", "heads.json", "heads.svg"]),
        (["lens", "Speak"], ["lens.html"]),
        (["surprise", "Speak"], ["surprise.html"]),
        (["edit", "--zero", "embedding", "Speak"], ["edit.html"]),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_on_a_full_disk_what_was_there_stays(
    copied: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], there: list[str], own: bool
) -> None:
    folder = copied.path / ("curves" if given[0] == "curves" else "analysis") if own else tmp_path / "elsewhere"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in there:
        (folder / name).write_text("mine")

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    for module in ("octavo.formats.files", "octavo.reports.figures.files", "octavo.reports.html.page"):
        monkeypatch.setattr(f"{module}.write_atomically", full)
    command, *options = given
    main([command, str(copied.path), *options, *([] if own else ["--output", str(folder), "--overwrite"])])
    assert names(folder) == there
    assert {(folder / name).read_text() for name in there} == {"mine"}


def test_a_page_of_several_runs_replaces_none_either(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.html").write_text("mine")
    runs = [str(trained.path)] * 2
    assert main(["compare", *runs, "--output", str(tmp_path / "mine.html")]) == 2
    assert "mine.html exists already" in capsys.readouterr().err
    refuse_replacing(parsed("--overwrite"), [tmp_path / "mine.html"])
    refuse_replacing(parsed(), [tmp_path, tmp_path / "other.html"])
