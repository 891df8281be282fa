"""What a command says: through here, since names, paths and texts are other people's.

Commands that a message tells the user to type: quoted, and called as the user called this one.
"""

import os
import re
import shlex
import sys
from pathlib import Path
from shutil import which
from typing import TextIO

from octavo.errors import OctavoError
from octavo.runs import RunDirectory, find_run
from octavo.system.terminal import escape_controls

# An argument of a function, that is an option here: where something is advised, not in the name of a file.
_ADVISED = re.compile(r"\b(pass|give|as|with|there:) (encoding|documents|output)=(?=\S)")


def say(text: object = "", *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print `text` to `file` (standard output), every control character in it written out."""
    print(escape_controls(str(text)), end=end, file=file)


def as_options(sentence: str) -> str:
    """Return a sentence of the library with options for the arguments that it names: ``--encoding`` for encoding=."""
    return _ADVISED.sub(r"\1 --\2 ", sentence)


def drop_output(stream: TextIO | None = None) -> None:
    """Drop what waits to be written to `stream` (standard output) and cannot be: nothing tries again, not even Python
    when it ends."""
    stream = stream or sys.stdout
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def program() -> str:
    """Return what starts Octavo where the user stands, quoted: ``octavo``, its path, or ``python -m octavo``."""
    called = Path(sys.argv[0])
    if called.parts[-2:] in (("octavo", "__main__.py"), ("cli", "main.py")):  # python -m octavo, or octavo.cli.main
        return shlex.join([sys.orig_argv[0], "-m", "octavo"])
    found = which("octavo")
    if called.stem != "octavo" or (found and called.exists() and os.path.samefile(found, called)):
        return "octavo"
    return shlex.quote(sys.argv[0])


def command(name: str, /, *words: str, **options: object) -> str:
    """Return a command line: its words, and the options that are neither None nor False."""
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


def run_word(run: RunDirectory, root: Path) -> str:
    """Return what names a run in a command: its name where that finds it under `root`, else its path."""
    try:
        found = find_run(run.name, root).path
    except OctavoError:
        return str(run.path)
    return run.name if found.resolve() == run.path.resolve() else str(run.path)
