"""The text that a command looks at: given in quotes, from a file or standard input, or the run's own."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from octavo.cli.corpus_options import ENCODING_HELP
from octavo.cli.parser import as_text
from octavo.cli.saying import say
from octavo.errors import OctavoError
from octavo.terminal import shown


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
    parser.add_argument("--file", metavar="PATH", help="a file with the text")
    parser.add_argument("--encoding", metavar="NAME", help=ENCODING_HELP)


def given_text(options: argparse.Namespace) -> str | None:
    """The text that was given; None if none was. Where it is the name of a file, that is said.

    Raises:
        OctavoError: two were given, or it is empty or cannot be read.
    """
    if options.text is not None and options.file is not None:
        raise OctavoError("TEXT and --file are both there: give one of them")
    reads = options.file is not None or options.text == "-"
    if options.encoding is not None and not reads:
        raise OctavoError("--encoding goes with --file or - alone: leave it out")
    if options.text is None and options.file is None:
        return None
    text = _read(options.file, options.encoding or "utf-8") if reads else options.text
    if not text:
        raise OctavoError("the text is empty: give some words")
    if not reads and os.path.isfile(text):
        file = shown(shlex.quote(text))
        say(f"octavo: the text is read as it stands; to read the file {file}: --file {file}", file=sys.stderr)
    return str(text)


def _read(file: str | None, encoding: str) -> str:
    """A file, or standard input where none is named, as octavo evaluate reads it: without a byte order mark."""
    from octavo.corpus.decoding import decode
    from octavo.corpus.reading import read_source, standard_input

    if file is None:
        return decode(standard_input(), encoding, "standard input")
    return decode(read_source(Path(file)), encoding, file)
