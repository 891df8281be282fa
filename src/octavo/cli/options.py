"""Where a command puts the files it makes, and what it may replace there.

In a run's own folder a command replaces what it left there before, altogether, so that no picture of an earlier text
lies beside a newer page; but not before the new files are written, which a full disk may prevent. Where ``--output``
says, it replaces nothing without being told.

The text that a command looks at: given in quotes, from a file or standard input, or the run's own.

The options of commands that read a text for a model: how it is encoded, and what a document is.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.errors import OctavoError
from octavo.formats.files import user_path
from octavo.formats.output_paths import check_writable, prepare_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from octavo.runs import RunDirectory


import os
import shlex
import sys
from typing import TYPE_CHECKING

from octavo.cli.output import say
from octavo.cli.parser import as_text
from octavo.system.terminal import escape_controls

if TYPE_CHECKING:
    from octavo.interpret.tokens import Passage


from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from octavo.corpus import Corpus


def add_output_option(
    parser: argparse.ArgumentParser,
    metavar: str = "FOLDER",
    says: str = "folder for the files (default: look in the run's folder)",
) -> None:
    """``--output`` and ``--overwrite``."""
    parser.add_argument("--output", metavar=metavar, help=says)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already")


@dataclass(frozen=True)
class Output:
    """A folder for the files of one command, whose names match `pattern` as a whole."""

    folder: Path
    pattern: str
    own: bool = False  # it is the run's own folder, not one that was asked for

    @property
    def earlier(self) -> list[Path]:
        """Such files that are there already."""
        paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [path for path in paths if path.is_file() and re.fullmatch(self.pattern, path.name)]

    def write(self, files: Callable[[Path], Iterable[Path]]) -> list[Path]:
        """Let `files` write into the folder, then remove earlier files of other names; return what was written.

        Raises:
            OSError: the folder cannot be made, a file not be written (then the earlier ones stay), or not be removed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = list(files(self.folder))
        written = {path.name for path in paths}
        for path in self.earlier:
            if path.name not in written:
                path.unlink()
        return paths

    def save(self, files: Callable[[Path], list[Path]]) -> str:
        """Write files as :meth:`write` does; return where they are, in words.

        The terminal shows the result as well, so where the run's own folder cannot be written to, the words say that
        nothing is kept.

        Raises:
            OSError: the folder that was asked for cannot be written to.
        """
        try:
            paths = self.write(files)
        except OSError as error:
            if not self.own:
                raise
            return f"not kept: {self.folder} cannot be written to ({error.strerror}): name a place with --output"
        return f"written to {paths[0]}" if len(paths) == 1 else "\n".join(map(str, paths))


def output_of(
    options: argparse.Namespace, directory: RunDirectory, pattern: str, folder: str = "look", *, needed: bool = False
) -> Output:
    """Return where the files of a command go: into that folder of the run, unless another was asked for.

    To be called before the work. `needed`: the files are the result, which the terminal does not show.

    Raises:
        OctavoError: nothing can be written there, or what is there already is not to be replaced.
    """
    given = output_path(options)
    if given is None:
        output = Output(directory.path / folder, pattern, own=True)
        if needed:
            check_writable(output.folder)
        return output
    output = Output(given, pattern)
    refuse_replacing(options, output.earlier)
    prepare_folder(output.folder)
    return output


def output_path(options: argparse.Namespace) -> Path | None:
    """Return where ``--output`` says that the files go; None if it was not given."""
    return None if options.output is None else user_path(options.output)


def refuse_replacing(options: argparse.Namespace, paths: Iterable[Path]) -> None:
    """Raises OctavoError if one of the files is there, and nobody said that it be replaced."""
    there = None if options.overwrite else next((path for path in paths if path.is_file()), None)
    if there:
        raise OctavoError(f"{there} is there already: name another place with --output, or add --overwrite")


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
        file = escape_controls(shlex.quote(text))
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
    from octavo.corpus.encoding_advice import decode
    from octavo.corpus.reading import read_source, standard_input

    if file is None:
        return decode(standard_input(), encoding, "standard input")
    return decode(read_source(user_path(file)), encoding, file)


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
