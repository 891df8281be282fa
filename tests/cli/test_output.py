"""What a command says goes through one place, where control characters are written out."""

import re
from pathlib import Path

import pytest

import octavo.cli.parser
from octavo.cli.output import say

FOLDER = Path(octavo.cli.parser.__file__).parent


def test_control_characters_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    say(Path("runs/\x1b]0;x\x07"), end="")
    assert capsys.readouterr().out == "runs/\\x1b]0;x\\x07"


def test_no_command_prints_past_it() -> None:
    """But for a refusal, which is written out too, and generated text, which a pipe gets as it is."""
    prints = {path.name for path in FOLDER.glob("*.py") if re.search(r"(?<![.\w])print\(", path.read_text("utf-8"))}
    assert prints == {"generate.py", "main.py", "output.py"}
