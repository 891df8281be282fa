"""Where a command puts the files it makes, and what it may replace there.

In a run's own folder a command replaces what it left there before, altogether, so that no picture of an earlier text
lies beside a newer page. Where ``--output`` says, it replaces nothing without being told.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.errors import OctavoError
from octavo.files import user_path
from octavo.reports.place import folder_place

if TYPE_CHECKING:
    from collections.abc import Iterable

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

    @property
    def earlier(self) -> list[Path]:
        """Such files that are there already."""
        paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [path for path in paths if path.is_file() and re.fullmatch(self.pattern, path.name)]

    def cleared(self) -> Path:
        """The folder, which is there now, without what is to be replaced.

        Raises:
            OSError: it cannot be made, or a file in it not be removed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.earlier:
            path.unlink()
        return self.folder


def output_of(options: argparse.Namespace, directory: RunDirectory, pattern: str) -> Output:
    """Where the files of a command go; to be asked for before the work.

    Raises:
        OctavoError: nothing can be written there, or what is there already is not to be replaced.
    """
    folder = output_path(options)
    if folder is None:
        return Output(directory.path / "look", pattern)
    output = Output(folder, pattern)
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
