"""Where a command puts the files it makes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octavo.runs import RunDirectory


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """``--output``."""
    parser.add_argument("--output", metavar="FOLDER", help="folder for the files (default: look in the run's folder)")


def output_folder(options: argparse.Namespace, directory: RunDirectory) -> Path:
    """The folder, which is there now.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(options.output) if options.output else directory.path / "look"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
