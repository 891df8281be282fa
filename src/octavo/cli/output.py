"""Print what commands say, and the commands that they advise.

Everything is printed through :func:`say`, since names, paths and texts may hold control characters. An advised
command is quoted for the shell and starts Octavo as the user did.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, TextIO

from octavo.errors import OctavoError
from octavo.system.terminal import escape_controls

if TYPE_CHECKING:
    from octavo.runs import RunDirectory

# An argument of a function that is an option here, after a word of advice: not in the name of a file.
_ADVISED = re.compile(r"\b(pass|give|as|with|there:) (encoding|documents|output)=(?=\S)")


def say(text: object = "", *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print `text` to `file` (default: standard output), with every control character written out."""
    print(escape_controls(str(text)), end=end, file=file)


def as_options(sentence: str) -> str:
    """Return a sentence of the library with options in place of its arguments: ``--encoding`` for ``encoding=``."""
    return _ADVISED.sub(r"\1 --\2 ", sentence)


def drop_output(stream: TextIO | None = None) -> None:
    """Drop what `stream` (default: standard output) could not write, so that Python does not try again at its end."""
    stream = stream or sys.stdout
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def align_columns(rows: Sequence[Sequence[str]], pad: Callable[[str, int], str] = str.ljust) -> list[str]:
    """Return a table as lines, with two spaces between columns; `pad` is ``str.ljust`` or ``str.rjust``."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(pad, row, widths)).rstrip() for row in rows]


def program() -> str:
    """Return the words that start Octavo as the user did, quoted: ``octavo``, its path, or ``python -m octavo``."""
    called = Path(sys.argv[0])
    if called.parts[-2:] in (("octavo", "__main__.py"), ("cli", "main.py")):  # python -m octavo, or octavo.cli.main
        return shlex.join([sys.orig_argv[0], "-m", "octavo"])
    on_path = which("octavo")
    if called.stem != "octavo" or (on_path and called.exists() and os.path.samefile(on_path, called)):
        return "octavo"
    return shlex.quote(sys.argv[0])


def command(name: str, /, *words: str, **options: object) -> str:
    """Return a command line of its words and the options that are neither None nor False."""
    given: list[str] = []
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            given.append(flag)
        elif value is not None and value is not False:
            given += [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]
    # Words that begin with a dash come last, after "--".
    dashed = any(word.startswith("-") for word in words)
    return f"{program()} {shlex.join([name, *given, '--', *words] if dashed else [name, *words, *given])}"


def run_word(run: "RunDirectory", root: Path) -> str:
    """Return the name of a run if it finds the run under `root`, else its path."""
    from octavo.runs import find_run

    try:
        named = find_run(run.name, root).path
    except OctavoError:
        return str(run.path)
    return run.name if named.resolve() == run.path.resolve() else str(run.path)
