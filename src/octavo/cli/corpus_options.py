"""The options of commands that read a text for a model: how it is encoded, and what a document is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from octavo.errors import OctavoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from octavo.corpus import Corpus

ENCODING_HELP = "encoding of what has no byte order mark and is not UTF-8, such as cp1252"


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--encoding`` and ``--documents``."""
    parser.add_argument("--encoding", metavar="NAME", help=ENCODING_HELP)
    parser.add_argument(
        "--documents",
        metavar="UNIT",
        help="where a document ends: file (default), or separator:TEXT, in which \\n is a line end",
    )


def refuse_without_text(options: argparse.Namespace, needed: str) -> None:
    """Raise OctavoError if one of the options is there, which go with what is `needed` alone."""
    for name in ("encoding", "documents"):
        if getattr(options, name, None) is not None:
            raise OctavoError(f"--{name} goes with {needed} alone: leave it out")


def corpus_of(options: argparse.Namespace, sources: Sequence[str], root: Path) -> Corpus:
    """Return the text at `sources`, read as the options say; `root` is the folder of all runs.

    Raises:
        OctavoError: it cannot be read.
    """
    from octavo.corpus import read_corpus

    unit = options.documents if getattr(options, "documents", None) is not None else "file"
    return read_corpus(sources, encoding=options.encoding or "utf-8", documents=unit, runs=root)
