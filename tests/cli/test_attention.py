"""octavo attention."""

from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run
from octavo.reports.figures import files as lettering


def test_the_page_and_the_pictures_are_written_and_said(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attention", str(copied.path), "Speak, speak.", "--max-tokens", "4"]) == 0
    said, *paths = capsys.readouterr().out.splitlines()
    assert said == f"{copied.name} reads the first 4 tokens of a text (5 of 13 characters)"
    folder = copied.path / "analysis"
    assert paths == [str(folder / f"attention{rest}") for rest in (".html", "-layer-0.png", "-layer-0.svg")]
    assert copied.attention("Speak, speak.", max_tokens=4).page.html == (folder / "attention.html").read_text()
    assert (folder / "attention-layer-0.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "attention-layer-0.svg").read_text()


def test_one_head_into_another_folder(copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Speak")
    given = ["--file", str(tmp_path / "a.txt"), "--layer", "0", "--head", "2", "--output", str(tmp_path / "a" / "b")]
    assert main(["attention", str(copied.path), *given]) == 0
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == ["attention-layer-0-head-2.png", "attention-layer-0-head-2.svg", "attention.html"]
    assert not (copied.path / "analysis").exists()
    assert "reads all " in capsys.readouterr().out


def test_what_reads_and_names_more_tokens_is_said(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.interpret.run_analyses._GIVEN_TOKENS", 16)
    monkeypatch.setattr("octavo.reports.figures.attention._MAX_SIDE", 4.0)
    arguments = ["attention", str(copied.path), "Speak, speak. " * 9, "--output", str(tmp_path), "--overwrite"]
    assert main(arguments) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "--max-tokens N reads more, up to 32"
    assert said[2].startswith("pictures name one of 2 tokens: ")
    assert "--head" in said[2]
    assert main([*arguments, "--max-tokens", "30", "--head", "0"]) == 0
    assert not [line for line in capsys.readouterr().out.splitlines() if "--" in line]


def test_letters_that_no_font_has_are_said_once(
    copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lettering, "_families", {})
    monkeypatch.setattr(lettering, "_other_families", lambda: iter(()))
    place = copied.path.rename(copied.path.with_name("日本"))
    assert main(["attention", str(place), "I", "--head", "0"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "the page shows them" in line]
    assert len(said) == 1
    assert "�" in said[0]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--layer", "1"], "there is no layer 1: this run has layers 0 to 0"),
        (["--head", "-1"], "there is no head -1: this run has heads 0 to 3"),
        (["--max-tokens", "33"], "33 tokens are out of range: 2 to 32"),
        (["--max-tokens", "1"], "1 token is out of range"),
        (["words", "--file", "a"], "TEXT and --file"),
    ],
)
def test_what_cannot_be_is_refused(
    trained: Run, capsys: pytest.CaptureFixture[str], given: list[str], sentence: str
) -> None:
    assert main(["attention", str(trained.path), *given]) == 2
    assert sentence in capsys.readouterr().err
    assert not (trained.path / "analysis").exists()
