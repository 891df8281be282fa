"""Where a command puts the files it makes, and what it may replace there.

In a run's own folder a command replaces what it left there before, altogether, so that no picture of an earlier text
lies beside a newer page; but not before the new files are written, which a full disk may prevent. Where ``--output``
says, it replaces nothing without being told.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.errors import OctavoError
from octavo.files import user_path
from octavo.reports.place import check_writable, folder_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from octavo.runs import RunDirectory


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
    folder_place(output.folder)
    return output


def output_path(options: argparse.Namespace) -> Path | None:
    """Return where ``--output`` says that the files go; None if it was not given."""
    return None if options.output is None else user_path(options.output)


def refuse_replacing(options: argparse.Namespace, paths: Iterable[Path]) -> None:
    """Raises OctavoError if one of the files is there, and nobody said that it be replaced."""
    there = None if options.overwrite else next((path for path in paths if path.is_file()), None)
    if there:
        raise OctavoError(f"{there} is there already: name another place with --output, or add --overwrite")
