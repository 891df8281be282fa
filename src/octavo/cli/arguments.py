"""Arguments that several commands share, and the values that they name: a run, a text, a folder for results.

Results go into the run's own folder unless ``--output`` names another one. In the run's folder a command replaces all
files that it wrote there before, so that no picture of an earlier text stays next to a newer page; it removes them
only after the new files are written, which a full disk may prevent. In a folder that ``--output`` names it replaces
nothing without ``--overwrite``. Importing this takes no torch.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.cli.output import say
from octavo.cli.parser import utf8_text
from octavo.errors import OctavoError
from octavo.formats.files import user_path
from octavo.formats.output_paths import check_writable, prepare_folder
from octavo.runs import RunDirectory, open_run, runs_root
from octavo.system.terminal import escape_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from octavo.corpus import Corpus
    from octavo.interpret.tokens import Passage

ANALYSES = "analysis"  # the folder of a run with the results of commands that look inside the model
_EARLIER_ANALYSES = "look"  # its name in earlier versions of Octavo
_ENCODING_HELP = "text encoding, such as cp1252, of files that are not UTF-8 and have no byte order mark"
_ESCAPE = re.compile(r"\\[nrt]")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the argument RUN."""
    parser.add_argument("run", metavar="RUN", help="name or folder of a run")


def run_of(options: argparse.Namespace) -> RunDirectory:
    """Return the run that RUN names.

    Raises:
        OctavoError: there is no such run, or it is damaged.
    """
    return open_run(options.run, runs_root(options.runs))


def add_number(
    parser: argparse.ArgumentParser,
    name: str,
    metavar: str,
    description: str,
    *,
    kind: Callable[[str], object] = int,
    default: object = None,
) -> None:
    """Add an option with a number, or what `kind` makes of its value; `description` says what happens without it."""
    parser.add_argument(name, type=kind, default=default, metavar=metavar, help=description)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="hide progress")


def add_set(parser: argparse.ArgumentParser, example: str) -> None:
    """Add ``--set``, which may be repeated."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=f"change a setting, such as {example}"
    )


def add_output(
    parser: argparse.ArgumentParser,
    metavar: str = "FOLDER",
    description: str = f"folder for the files (default: {ANALYSES}/ in the run's folder)",
) -> None:
    """Add ``--output`` and ``--overwrite``."""
    parser.add_argument("-o", "--output", metavar=metavar, help=description)
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


@dataclass(frozen=True)
class Output:
    """A folder for the files of one command, whose names all match the regular expression `pattern`."""

    folder: Path
    pattern: str
    own: bool = False  # it is inside the run's folder, not the folder that --output names

    @property
    def earlier(self) -> list[Path]:
        """The existing files of the command, in a run also those of an earlier version of Octavo."""
        folders = [self.folder]
        if self.own and self.folder.name == ANALYSES:
            folders.append(self.folder.with_name(_EARLIER_ANALYSES))
        paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
        return [path for path in paths if path.is_file() and re.fullmatch(self.pattern, path.name)]

    def write(self, files: Callable[[Path], Iterable[Path]]) -> list[Path]:
        """Let `files` write into the folder, then remove the earlier files that it did not replace.

        Returns:
            The paths of the new files.

        Raises:
            OSError: a file cannot be written (then the earlier ones stay), or an earlier one cannot be removed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = list(files(self.folder))
        for path in self.earlier:
            if path not in paths:
                path.unlink()
        if self.own:
            with suppress(OSError):  # there is none, or it holds files of other commands
                self.folder.with_name(_EARLIER_ANALYSES).rmdir()
        return paths

    def save(self, files: Callable[[Path], list[Path]]) -> str:
        """Write files as :meth:`write` does; return a line that says where they are.

        The terminal shows the result as well. So where the run's own folder cannot be written to, the line says that
        nothing is kept.

        Raises:
            OSError: the folder that ``--output`` names cannot be written to.
        """
        try:
            paths = self.write(files)
        except OSError as error:
            if not self.own:
                raise
            return f"not kept: {self.folder} cannot be written to ({error.strerror}): name a folder with --output"
        return f"written to {paths[0]}" if len(paths) == 1 else "\n".join(map(str, paths))


def output_of(
    options: argparse.Namespace,
    directory: RunDirectory,
    pattern: str,
    folder: str = ANALYSES,
    *,
    needed: bool = False,
) -> Output:
    """Return where the files of a command go: `folder` in the run's folder, or the folder that ``--output`` names.

    To be called before the work begins. `needed`: the terminal does not show the result, so it has to be written.

    Raises:
        OctavoError: nothing can be written there, or an existing file would be replaced.
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
    """Return the path that ``--output`` names; None if it was not given."""
    return None if options.output is None else user_path(options.output)


def refuse_replacing(options: argparse.Namespace, paths: Iterable[Path]) -> None:
    """Raise OctavoError if one of the files exists and ``--overwrite`` was not given."""
    existing = None if options.overwrite else next((path for path in paths if path.is_file()), None)
    if existing:
        raise OctavoError(f"{existing} exists already: name another place with --output, or add --overwrite")


def add_run_and_text(parser: argparse.ArgumentParser, default: str = "the beginning of the validation split") -> None:
    """Add RUN, TEXT, ``--file`` and ``--encoding``; `default` names the text that is used without one."""
    add_run(parser)
    parser.add_argument(
        "text",
        nargs="?",
        type=utf8_text,
        metavar="TEXT",
        help=f"a text in quotes, or - for standard input (default: {default})",
    )
    add_reading_options(parser)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--file`` and ``--encoding``."""
    parser.add_argument("--file", metavar="PATH", help="read the text from this file")
    add_encoding(parser)


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Add ``--encoding``."""
    parser.add_argument("--encoding", metavar="NAME", help=_ENCODING_HELP)


def text_of(options: argparse.Namespace) -> str | None:
    """Return TEXT or the text of ``--file``; None if neither was given. Warn if TEXT is the name of a file.

    Raises:
        OctavoError: both were given, or the text is empty or cannot be read.
    """
    text = read_text(options.text, options.file, options.encoding)
    if text == "":
        raise OctavoError("the text is empty: give some words")
    if text is not None and text == options.text and os.path.isfile(text):
        file = escape_controls(shlex.quote(text))
        option = f"--file={file}" if text.startswith("-") else f"--file {file}"
        say(f"octavo: {file} is taken as the text itself; to read the file of that name: {option}", file=sys.stderr)
    return text


def read_text(
    argument: str | None, file: str | None = None, encoding: str | None = None, *, name: str = "TEXT"
) -> str | None:
    """Return the text of `file`, of standard input if `argument` is "-", or `argument` itself, which has a `name`.

    Raises:
        OctavoError: `file` and `argument` were both given, or the text cannot be read.
    """
    if argument is not None and file is not None:
        raise OctavoError(f"{name} and --file were both given: give one of them")
    from_file = file is not None or argument == "-"
    if encoding is not None and not from_file:
        raise OctavoError("--encoding goes with --file or - alone: leave it out")
    if from_file:
        from octavo.corpus.encoding_advice import decode_text
        from octavo.corpus.reading import read_source, standard_input

        raw = standard_input() if file is None else read_source(user_path(file))
        return decode_text(raw, encoding or "utf-8", file or "standard input")
    if argument is not None:
        hint_at_escapes(argument)
    return argument


def hint_at_escapes(text: str) -> None:
    r"""Say on standard error that a typed ``\n`` is two characters, and how the shell takes a line end."""
    if not _ESCAPE.search(text):
        return
    escaped = re.sub(r"\\(?![nrt])", r"\\\\", text).replace("'", r"\'")
    say(
        f"octavo: '{text}' holds a backslash and a letter, not a line end or tab; did you mean $'{escaped}'?",
        file=sys.stderr,
    )


def hint_at_max_tokens(passage: Passage, limit: int) -> None:
    """Name the option that reads more tokens than those of `passage`, up to `limit`, if that is possible."""
    if len(passage.ids) < limit:
        say(f"--max-tokens N reads more, up to {limit:,}")


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--encoding`` and ``--documents``."""
    add_encoding(parser)
    parser.add_argument(
        "--documents",
        metavar="UNIT",
        help="unit of a document: files, lines, paragraphs, jsonl:FIELD, csv:COLUMN, or separator:TEXT, where \\n is "
        "a line end (default: files)",
    )


def refuse_given(options: argparse.Namespace, needed: str, *names: str) -> None:
    """Raise OctavoError if one of the options `names` is given, which go only with `needed`."""
    for name in names:
        if getattr(options, name.replace("-", "_")) is not None:
            raise OctavoError(f"--{name} goes with {needed} alone: leave it out")


def corpus_of(options: argparse.Namespace, sources: Sequence[str], root: Path) -> Corpus:
    """Return the text of `sources`, read as the options say; `root` is the folder of all runs, which are skipped.

    Raises:
        OctavoError: it cannot be read.
    """
    from octavo.corpus import read_corpus

    return read_corpus(
        sources,
        encoding=options.encoding or "utf-8",
        documents=getattr(options, "documents", None) or "file",
        runs=root,
    )
