"""The text that a command looks at: given in quotes, from a file or standard input, or the run's own."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

from octavo.cli.corpus_options import ENCODING_HELP
from octavo.cli.parser import as_text
from octavo.cli.saying import say
from octavo.errors import OctavoError
from octavo.files import user_path
from octavo.terminal import shown

if TYPE_CHECKING:
    from octavo.interpret.passage import Passage

_ESCAPE = re.compile(r"\\[nrt]")


def add_passage_arguments(
    parser: argparse.ArgumentParser, default: str = "the beginning of the run's held-out text"
) -> None:
    """TEXT and ``--file``; `default` says what is looked at if neither is given."""
    parser.add_argument(
        "text",
        nargs="?",
        type=as_text,
        metavar="TEXT",
        help=f"the text to look at, in quotes; - reads it (default: {default})",
    )
    add_reading_options(parser)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """``--file`` and ``--encoding``."""
    parser.add_argument("--file", metavar="PATH", help="a file with the text")
    parser.add_argument("--encoding", metavar="NAME", help=ENCODING_HELP)


def given_text(options: argparse.Namespace) -> str | None:
    """The text that was given; None if none was. Where it is the name of a file, that is said.

    Raises:
        OctavoError: two were given, or it is empty or cannot be read.
    """
    text = read_text(options, options.text)
    if text == "":
        raise OctavoError("the text is empty: give some words")
    if text is not None and text == options.text and os.path.isfile(text):
        file = shown(shlex.quote(text))
        option = f"--file={file}" if text.startswith("-") else f"--file {file}"
        say(f"octavo: the text is read as it stands; to read the file {file}: {option}", file=sys.stderr)
    return text


def read_text(options: argparse.Namespace, given: str | None) -> str | None:
    """Return the text of ``--file``, what standard input holds if `given` is "-", or `given`.

    Raises:
        OctavoError: two were given, or one cannot be read.
    """
    if given is not None and options.file is not None:
        raise OctavoError("TEXT and --file are both there: give one of them")
    reads = options.file is not None or given == "-"
    if options.encoding is not None and not reads:
        raise OctavoError("--encoding goes with --file or - alone: leave it out")
    if reads:
        return _read(options.file, options.encoding or "utf-8")
    if given is not None:
        hint_at_escapes(given)
    return given


def hint_at_escapes(text: str) -> None:
    r"""Say on standard error that a ``\n`` which was typed is two characters, and how a line end is typed."""
    if not _ESCAPE.search(text):
        return
    escaped = re.sub(r"\\(?![nrt])", r"\\\\", text).replace("'", r"\'")
    say(
        f"octavo: '{text}' holds a backslash and a letter, no line end or tab; did you mean $'{escaped}'?",
        file=sys.stderr,
    )


def say_how_to_read_more(passage: Passage, most: int) -> None:
    """Name the option that reads more tokens of a text than those of `passage`, up to `most`."""
    if len(passage.ids) < most:
        say(f"--max-tokens N reads more, up to {most:,}")


def _read(file: str | None, encoding: str) -> str:
    """A file, or standard input where none is named, as octavo evaluate reads it: without a byte order mark."""
    from octavo.corpus.decoding import decode
    from octavo.corpus.reading import read_source, standard_input

    if file is None:
        return decode(standard_input(), encoding, "standard input")
    return decode(read_source(user_path(file)), encoding, file)
