"""The text that a command looks at: given in quotes, from a file or standard input, or the run's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.errors import OctavoError

if TYPE_CHECKING:
    from octavo.opened import OpenedRun


def add_passage_arguments(
    parser: argparse.ArgumentParser, default: str = "the beginning of the run's held-out text"
) -> None:
    """TEXT and ``--file``; `default` says what is looked at if neither is given."""
    parser.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help=f"the text to look at, in quotes; - reads it (default: {default})",
    )
    parser.add_argument("--file", metavar="PATH", help="a file with the text, in UTF-8")


def given_text(options: argparse.Namespace) -> str | None:
    """The text that was given; None if none was.

    Raises:
        OctavoError: two were given, or it is empty or cannot be read.
    """
    if options.text is not None and options.file is not None:
        raise OctavoError("TEXT and --file are both there: give one of them")
    if options.text is None and options.file is None:
        return None
    text = options.text if options.file is None and options.text != "-" else _read(options.file)
    if not text:
        raise OctavoError("the text is empty: give some words")
    return str(text)


def chosen_text(options: argparse.Namespace, run: OpenedRun, characters: int = 2000) -> str:
    """The same, or else the first `characters` characters of the run's held-out text.

    Raises:
        OctavoError: as above, or the run has no held-out text.
    """
    text = given_text(options)
    return run.held_out_beginning(characters) if text is None else text


def _read(file: str | None) -> str:
    """A file, or standard input where none is named."""
    name = "standard input" if file is None else file
    try:
        if file is not None:
            raw = Path(file).read_bytes()
        elif sys.stdin is not None:
            raw = sys.stdin.buffer.read()
        else:
            raise OctavoError("standard input is closed: give a text, or pipe one into it")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OctavoError(f"byte {error.start} of {name} is not UTF-8: convert it first") from None
    except (OSError, ValueError) as error:
        raise OctavoError(f"{name} cannot be read ({getattr(error, 'strerror', None) or error}): check it") from None
