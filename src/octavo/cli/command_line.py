"""Commands that a message tells the user to type: quoted, and called as the user called this one."""

import os
import shlex
import sys
from pathlib import Path
from shutil import which

from octavo.errors import OctavoError
from octavo.runs import RunDirectory, find_run


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
