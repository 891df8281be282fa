"""List the files of a folder, and the reasons why some are skipped."""

import os
from pathlib import Path
from typing import NoReturn

from octavo.corpus.outputs import IS_EXPERIMENT, IS_RUN, IS_RUNS_ROOT, is_experiment, is_run
from octavo.errors import OctavoError
from octavo.system.terminal import path_text

LINK_TO_FOLDER = "a link to a folder"


def list_files(root: Path, runs_root: Path) -> list[tuple[Path, str]]:
    """Return the files below `root`, sorted by the parts of their paths, each with the reason why it is skipped, or
    "".

    Hidden files and folders are not listed. Folders are listed only if they are skipped: links, runs, experiments and
    the folder of all runs.

    Raises:
        OctavoError: a folder cannot be read.
    """
    excluded = file_identity(runs_root)
    found: list[tuple[Path, str]] = []
    for path, folders, files in os.walk(root, onerror=_refuse):
        here = Path(path)
        found += [(here / name, "") for name in files if not name.startswith(".")]
        entered = []
        for name in folders:
            if name.startswith("."):
                continue
            if reason := _exclusion_reason(here / name, excluded):
                found.append((here / name, reason))
            else:
                entered.append(name)
        folders[:] = entered
    return sorted(found, key=lambda entry: entry[0].parts)


def _exclusion_reason(folder: Path, runs_root: tuple[int, int] | None) -> str:
    if folder.is_symlink():
        return LINK_TO_FOLDER
    if runs_root is not None and file_identity(folder) == runs_root:
        return IS_RUNS_ROOT
    return IS_RUN if is_run(folder) else IS_EXPERIMENT if is_experiment(folder) else ""


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, which identify it; None if it is not accessible."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> NoReturn:
    refuse_unreadable(path_text(error.filename), error)


def refuse_unreadable(name: str, error: OSError) -> NoReturn:
    """Raise OctavoError for a file or folder that cannot be read."""
    raise OctavoError(f"{name} cannot be read ({error.strerror}): check its permissions or leave it out") from None
