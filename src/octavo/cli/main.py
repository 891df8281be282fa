"""Entry point: run one command, and turn what went wrong into a sentence and an exit code."""

import io
import os
import re
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TextIO

from octavo.cli.output import as_options, drop_output
from octavo.cli.parser import parse
from octavo.errors import OctavoError, OctavoWarning
from octavo.system.terminal import escape_controls
from octavo.system.threads import configure_threads, has_detached_thread

_OUT_OF_RANGE = re.compile(r"^(temperature|top_k|top_p|min_p|max_new_tokens|seed)=(?=\S)")  # named as in Python
_NO_MEMORY = re.compile(r"tried to allocate ([\d.]+ \w+)", re.IGNORECASE)  # how torch says it, of any device


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Octavo; returns the exit code: 0, 1 for a problem that octavo doctor found or a part of a trained
    run that could not be made, 2 for bad input, 128 + number for a signal."""
    code = _main(arguments)
    if arguments is None and has_detached_thread():
        # It would come back from its library to a Python that has ended, and abort the process.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    return code


def _main(arguments: Sequence[str] | None) -> int:
    configure_threads()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without a letter gets its number
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # what cannot be written shows here, not when Python ends
        return code
    except OctavoError as error:
        return _refuse(str(error), error.command)
    except MemoryError as error:
        return _refuse(f"{str(error) or 'there is not enough memory'}: ask for less, or free some")
    except RuntimeError as error:
        if not (asked := _NO_MEMORY.search(str(error))):
            raise
        return _refuse(f"there is not enough memory for {asked[1]} more: ask for less, or free some")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough: octavo generate … | head
        drop_output()
        return 0
    except OSError as error:
        blamed = error.filename
        if _output_fails():
            drop_output()
            blamed = blamed or "standard output"
        return _refuse(f"{error.strerror or error}{f': {blamed}' if blamed else ''}.")


def _run(arguments: Sequence[str]) -> int:
    try:
        parsed = parse(arguments)
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    command = import_module(f"octavo.cli.{parsed.command}")
    return int(command.run(parsed) or 0)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What Octavo warns of is a sentence for the person, what others do is said as Python says it."""
    text = str(message) if issubclass(category, OctavoWarning) else f"{filename}:{lineno}: {message}"
    print(f"octavo: {escape_controls(' '.join(text.split()))}", file=sys.stderr)


def _output_fails() -> bool:
    """Whether what still waits to be written cannot be."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        return True
    return False


def _refuse(sentence: str, advised: Sequence[str] = ()) -> int:
    """Say what is wrong, and behind it the command that is advised."""
    said = as_options(" ".join(sentence.split()))
    said = _OUT_OF_RANGE.sub(lambda found: f"--{found[1].replace('_', '-')} ", said)
    if advised:
        from octavo.cli.output import program

        said += f" ({program()} {shlex.join(advised)})"
    print(f"octavo: {escape_controls(said)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
