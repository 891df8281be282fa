"""Commands that are printed for the user to type."""

import runpy
import shlex
import sys
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.cli.output import command, program, run_word
from octavo.cli.parser import parse
from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.runs import RunDirectory


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An executable ``my tools/octavo``, by which Octavo was called; the working folder is above it."""
    script = tmp_path / "my tools" / "octavo"
    script.parent.mkdir()
    script.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["my tools/octavo", "train"])
    monkeypatch.setenv("PATH", "/nowhere")
    return script


def test_a_program_that_is_not_on_the_path_is_named_by_its_own(called: Path) -> None:
    assert program() == "'my tools/octavo'"


@pytest.mark.parametrize("typed", ["my tools/octavo", "octavo"])
def test_one_that_is_on_the_path_by_its_name(typed: str, called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(called.parent))
    monkeypatch.setattr(sys, "argv", [typed])
    assert program() == "octavo"


@pytest.mark.parametrize("place", ["octavo/__main__.py", "octavo/cli/main.py"])
def test_a_module_is_called_by_the_same_python(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"/site-packages/{place}"])
    monkeypatch.setattr(sys, "orig_argv", ["my env/python", "-m", "octavo", "train"])
    assert shlex.split(program()) == ["my env/python", "-m", "octavo"]


@pytest.mark.parametrize("odd", ["my runs", "-runs", "--", "it's", "$HOME", "a\nb", "~/x", "*"])
def test_words_and_values_come_back_as_they_were(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["octavo"])
    program, *words = shlex.split(command("generate", odd, odd, runs=odd, seed=3, top_k=None))
    parsed = parse(words)
    assert (program, parsed.run, parsed.prompt, parsed.runs, parsed.seed) == ("octavo", odd, odd, odd, 3)


def test_the_package_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["octavo", "presets"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("octavo", run_name="__main__")
    assert ended.value.code == 0
    assert "pocket" in capsys.readouterr().out


def test_the_help_that_an_error_advises_is_called_in_the_same_way(called: Path) -> None:
    with pytest.raises(OctavoError) as raised:
        parse(["evaluate", "run", "--split", "all"])
    advised = str(raised.value).rpartition("(see ")[2].removesuffix(")")
    assert shlex.split(advised) == ["my tools/octavo", "evaluate", "--help"]


def test_flags_are_there_or_not() -> None:
    assert command("train", resume=True, quiet=False, name=None).endswith("octavo train --resume")


def test_a_run_is_named_if_its_name_finds_it_and_else_by_its_path(copied: Run, tmp_path: Path) -> None:
    assert run_word(copied.directory, tmp_path) == copied.name
    assert run_word(copied.directory, tmp_path / "elsewhere") == str(copied.path)
    other = tmp_path / "other" / copied.name
    other.mkdir(parents=True)
    assert run_word(RunDirectory(other), tmp_path) == str(other)


def test_the_command_that_an_error_advises_works_from_where_the_user_stands(
    copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied.path / "evaluation.json").unlink()
    with pytest.raises(OctavoError) as raised:
        _ = copied.evaluation
    assert "octavo" not in str(raised.value)
    assert raised.value.command == ("evaluate", str(copied.path))
    monkeypatch.chdir(copied.path.parent)
    monkeypatch.setattr(sys, "argv", ["octavo"])
    monkeypatch.setattr("octavo.cli.curves.run", lambda options: Run(copied.directory).evaluation)
    assert main(["curves", copied.name]) == 2
    said = capsys.readouterr().err
    _, *words = shlex.split(said[said.index("(") + 1 : said.rindex(")")])
    assert parse(words).run == str(copied.path)
