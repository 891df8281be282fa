"""octavo heads."""

import json
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.interpret.head_table import HeadTable
from octavo.pipeline.run import Run
from octavo.reports.terminal.heads import head_lines


def test_the_table_is_shown_and_every_form_of_it_written(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["heads", str(copied.path), "--windows", "8"]) == 0
    out, folder = capsys.readouterr().out, copied.path / "analysis"
    table = copied.heads(windows=8).table
    assert out.startswith("\n".join(head_lines(table)))
    assert out.splitlines()[-4:] == [str(folder / f"heads.{kind}") for kind in ("json", "html", "png", "svg")]
    assert HeadTable.from_json(json.loads((folder / "heads.json").read_text())) == table
    assert (folder / "heads.html").read_text() == copied.heads(windows=8).page.html
    assert (folder / "heads.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "heads.svg").read_text()


def test_a_file_of_ones_own_into_another_folder(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("ROMEO:\nAy me! Ay me!\n" * 30)
    given = ["--file", str(tmp_path / "a.txt"), "--output", str(tmp_path / "made"), "--windows", "6"]
    assert main(["heads", str(copied.path), *given]) == 0
    assert "6 windows of 32 tokens" in capsys.readouterr().out
    assert len(list((tmp_path / "made").iterdir())) == 4
    assert not (copied.path / "analysis").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--windows", "0"], "0 windows are out of range: 1 to 1000"),
        (["--windows", "1001"], "1001 windows are out of range"),
        (["words", "--file", "a"], "TEXT and --file"),
        ([""], "the text is empty"),
        (["T"], "the text is too short"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    trained: Run, given: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["heads", str(trained.path), *given]) == 2
    assert capsys.readouterr().err.startswith(f"octavo: {sentence}")
    assert not (trained.path / "analysis").exists()
