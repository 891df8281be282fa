"""The text that a command looks at."""

import argparse
import io
import shlex
import sys
from pathlib import Path

import pytest

from octavo.cli.arguments import add_run_and_text, text_of
from octavo.cli.parser import Parser
from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.system.terminal import escape_controls


def parsed(*arguments: str | Path) -> argparse.Namespace:
    parser = Parser()
    add_run_and_text(parser)
    return parser.parse_args(["run", *map(str, arguments)])


def test_text_in_quotes_is_taken_as_it_is(tmp_path: Path) -> None:
    assert text_of(parsed(" a\nb ")) == " a\nb "


@pytest.mark.parametrize("name", ["hamlet.txt", "two words", "\x1b[31mred"])
def test_the_name_of_a_file_is_a_text_and_that_is_said(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("words")
    assert text_of(parsed(name)) == name
    file = escape_controls(shlex.quote(name))
    hint = capsys.readouterr().err
    assert hint.count("\n") == 1
    assert hint.endswith(f" --file {file}\n")
    for other in ("nothing.txt", ".", "a\0b", "long" * 2000):
        text_of(parsed(other))
    text_of(parsed("--file", name))
    assert capsys.readouterr().err == ""


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("zwei\r\nZeilen ü".encode())
    assert text_of(parsed("--file", tmp_path / "a.txt")) == "zwei\r\nZeilen ü"


def test_a_byte_order_mark_is_no_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = b"\xef\xbb\xbfwords"
    (tmp_path / "a.txt").write_bytes(marked)
    assert text_of(parsed("--file", tmp_path / "a.txt")) == "words"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(marked)))
    assert text_of(parsed("-")) == "words"


def test_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("zwölf".encode("cp1252"))
    assert text_of(parsed("--file", tmp_path / "a.txt", "--encoding", "cp1252")) == "zwölf"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped in\n")))
    assert text_of(parsed("-")) == "piped in\n"


def test_none_where_none_is_given() -> None:
    assert text_of(parsed()) is None


def test_a_beginning_does_not_split_a_character(strange: Run) -> None:
    part = strange.splits["train"]
    assert [part.beginning(n) for n in range(12)] == [part.text[:n] for n in range(12)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["words", "--file", "a.txt"], "TEXT and --file"),
        ([""], "the text is empty"),
        (["--file", "none.txt"], "none.txt cannot be read .No such file"),
        (["--file", "."], "cannot be read"),
        (["--file", "a\0b"], "cannot be read"),
        (["--file", "bad.txt"], r"bad.txt: byte 2 \(0xff\) is not UTF-8"),
        (["words", "--encoding", "utf-8"], "--encoding goes with --file or - alone"),
        (["--encoding", "utf-8"], "--encoding goes with --file or - alone"),
    ],
)
def test_what_cannot_be_read_is_refused(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    with pytest.raises(OctavoError, match=sentence):
        text_of(parsed(*arguments))


def test_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(OctavoError, match="standard input is closed"):
        text_of(parsed("-"))
