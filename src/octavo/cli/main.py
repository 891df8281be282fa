"""Entry point: run one command, and turn an error into one sentence and an exit code."""

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

from octavo.cli.output import as_options, drop_output, program
from octavo.cli.parser import parse
from octavo.errors import OctavoError, OctavoWarning
from octavo.system.terminal import escape_controls
from octavo.system.threads import configure_threads, has_detached_thread

_OUT_OF_RANGE = re.compile(r"^(temperature|top_k|top_p|min_p|max_new_tokens|seed)=(?=\S)")  # named as in Python
_NO_MEMORY = re.compile(r"tried to allocate ([\d.]+ \w+)", re.IGNORECASE)  # the words of torch, for any device
_LESS_MEMORY = "use a smaller model or batch, or free some"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    It is 0 for success, 1 for a problem that ``octavo doctor`` found or a missing part of a trained run, 2 for bad
    input, and 128 + number after a signal.
    """
    code = _main(arguments)
    if arguments is None and has_detached_thread():
        # A detached thread would return from its library after Python has ended, and abort the process.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    return code


def _main(arguments: Sequence[str] | None) -> int:
    configure_threads()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character that the terminal lacks becomes its number
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # an error of the disk appears here, not when Python ends
        return code
    except OctavoError as error:
        return _refuse(str(error), error.command)
    except MemoryError as error:
        return _refuse(f"{str(error) or 'there is not enough memory'}: {_LESS_MEMORY}")
    except RuntimeError as error:
        if not (amount := _NO_MEMORY.search(str(error))):
            raise
        return _refuse(f"there is not enough memory for {amount[1]} more: {_LESS_MEMORY}")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader closed the pipe: octavo generate … | head
        drop_output()
        return 0
    except OSError as error:
        file = error.filename
        if _output_fails():
            drop_output()
            file = file or "standard output"
        return _refuse(f"{error.strerror or error}{f': {file}' if file else ''}.")


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
    """Print a warning of Octavo as a sentence, and one of a library with its place in the code, as Python does."""
    text = str(message) if issubclass(category, OctavoWarning) else f"{filename}:{lineno}: {message}"
    print(f"octavo: {escape_controls(' '.join(text.split()))}", file=sys.stderr)


def _output_fails() -> bool:
    """Return whether standard output cannot write what it has buffered."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        return True
    return False


def _refuse(sentence: str, advised: Sequence[str] = ()) -> int:
    """Print an error, and behind it the command that is advised; return exit code 2."""
    message = as_options(" ".join(sentence.split()))
    message = _OUT_OF_RANGE.sub(lambda match: f"--{match[1].replace('_', '-')} ", message)
    if advised:
        message += f" ({program()} {shlex.join(advised)})"
    print(f"octavo: {escape_controls(message)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
