"""The command line says when a figure flatters, and speaks on any terminal."""

from pathlib import Path
from typing import Any

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run


def test_a_loss_that_rose_again_is_told(
    play: str, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short.txt").write_bytes(play[:1_500].encode())
    settings = tiny | {
        "model.d_model": 64,
        "model.dropout": 0.0,
        "model.hidden_dropout": 0.0,
        "tokenizer.dropout": 0.0,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    assert main(["train", str(tmp_path / "short.txt"), "--steps", "120", "--runs", str(tmp_path), *options]) == 0
    said = capsys.readouterr()
    assert "overfitting: " in said.out
    assert "octavo train" in said.out.split("overfitting: ")[1], "a command that helps"
    assert "memorised" in said.err


def test_a_healthy_run_is_not_accused(
    play_file: Path, copied: Run, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--{name}={value}" for name, value in tiny.items()]
    assert main(["train", str(play_file), "--dry-run", "--steps", "80", "--runs", str(tmp_path), *options]) == 0
    assert "about 80 steps" in (said := capsys.readouterr()).out
    assert "memoris" not in said.out + said.err
    (copied.path / "samples.txt").unlink()  # what is left to do is to tell
    assert main(["train", "--resume", "--runs", str(copied.path.parent)]) == 0
    assert "bits per character" in (said := capsys.readouterr()).out
    assert "memoris" not in said.out + said.err


def test_a_score_on_the_training_part_is_called_that(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(copied.path), "--split", "train"]) == 0
    assert "the model was trained on this text" in capsys.readouterr().out
    assert main(["evaluate", str(copied.path)]) == 0
    assert "the model was trained on this text" not in capsys.readouterr().out


def test_a_terminal_without_a_letter_gets_its_number(
    copied: Run, octavo_process: Any, environment: dict[str, str]
) -> None:
    done = octavo_process("tokenizer", copied.path, "é", env=environment | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    done = octavo_process("generate", copied.path, "é", env=environment | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("\\xe9")


def test_one_argument_too_many_is_said_to_be_one(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(copied.path), "To", "be"]) == 2
    assert "'be' is one argument too many: put quotes around a text that has spaces" in capsys.readouterr().err
