"""Errors: what they say suits Python and the command line alike, and names no number of the system."""

import ast
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import octavo
from octavo.cli.parser import COMMANDS
from octavo.errors import OctavoError, reason

SOURCE = Path(__file__).parents[1] / "src" / "octavo"
LIBRARY = [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts[0] != "cli"]
OPTION = re.compile(rf"(?<![\w-])--[a-z][a-z-]+|(?<!\w)octavo ({'|'.join(COMMANDS)})\b")
WORD = re.compile(r"--[a-z-]+=?")  # of a command line that is put together
# Files whose strings are command lines, or name other programs.
COMMAND_LINES = {
    "reports/recipe.py",
    "bench/generation.py",
    "corpus/shakespeare.py",
    "pipeline/doctor.py",
    "experiments/reproduction/commentary.py",
}


def strings(tree: ast.AST) -> Iterator[str]:
    """All strings but docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_string_below_the_command_line_speaks_of_its_options() -> None:
    found = {
        str(path.relative_to(SOURCE)): said
        for path in LIBRARY
        if str(path.relative_to(SOURCE)) not in COMMAND_LINES
        for said in strings(ast.parse(path.read_text(encoding="utf-8")))
        if OPTION.search(said) and not WORD.fullmatch(said)
    }
    assert not found


SYSTEM = {"OSError", "Exception", "BaseException", "FileNotFoundError", "PermissionError"}


def caught(handler: ast.ExceptHandler) -> set[str]:
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()


def says_whole_error(handler: ast.ExceptHandler) -> bool:
    """Whether the error itself stands in an f-string, or is made a string, as "[Errno 2] No such file …: 'x'"."""
    for node in ast.walk(handler):
        value: ast.AST | None = None
        if isinstance(node, ast.FormattedValue):
            value = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and node.args:
            value = node.args[0]
        if isinstance(value, ast.Name) and value.id == handler.name:
            return True
    return False


def test_errors_of_the_system_are_said_by_their_reason() -> None:
    whole = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and caught(node) & SYSTEM and says_whole_error(node)
    ]
    assert not whole


def test_a_reason_has_no_number_and_the_name_if_asked_for() -> None:
    with pytest.raises(OSError, match="Errno") as raised:
        Path("folder/none.txt").read_text(encoding="utf-8")
    assert reason(raised.value) == "No such file or directory"
    assert reason(raised.value, named=True) == "none.txt: No such file or directory"
    with pytest.raises(UnicodeDecodeError) as undecoded:
        b"caf\xe9".decode()
    assert reason(undecoded.value) == "it is not UTF-8"
    assert reason(OSError("a library's own words")) == "a library's own words"
    assert reason(MemoryError()) == "MemoryError"


def test_an_error_goes_to_another_process_with_its_command() -> None:
    error = pickle.loads(pickle.dumps(OctavoError("no score yet: evaluate it", command=("evaluate", "runs/a"))))
    assert (str(error), error.command) == ("no score yet: evaluate it", ("evaluate", "runs/a"))
    assert OctavoError("a").command == ()


@pytest.mark.parametrize("load", [octavo.load, octavo.load_preset, lambda text: octavo.train(overrides={text: 1})])
def test_an_error_is_shorter_than_what_was_given_wrongly(load: Callable[[str], object]) -> None:
    book = "A book that was given in place of a name.\n" * 9000
    with pytest.raises(OctavoError) as caught:
        load(book)
    assert len(str(caught.value)) < 2500
    assert "A book that was given" in str(caught.value)


def test_a_long_error_keeps_its_beginning_and_its_end() -> None:
    sentence = "there is no run " + "x" * 9000 + ": train one first"
    shown = str(OctavoError(sentence))
    assert shown.startswith("there is no run xxx")
    assert shown.endswith("xxx: train one first")
    assert len(shown) < 1000
    assert str(OctavoError(sentence[:2000])) == sentence[:2000]
