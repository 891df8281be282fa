"""Check and create the paths of outputs before the work is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from octavo.errors import OctavoError


def prepare_page_path(path: Path) -> Path:
    """Create the folder of the page `path`, and return the path.

    Raises:
        OctavoError: a page cannot be written there.
    """
    if path.is_dir():
        raise OctavoError(f"{path} is a folder: name a file, such as {path / 'report.html'}")
    prepare_folder(path.parent)
    return path


def prepare_folder(path: Path) -> Path:
    """Create the folder `path` for a page and its figures, and return it.

    Raises:
        OctavoError: it is a file, or is not writable.
    """
    check_writable(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OctavoError(f"cannot create the folder {path}: {error.strerror}") from None
    return path


def check_writable(path: Path) -> None:
    """Check that a folder is writable or can be created, without creating it.

    Raises:
        OctavoError: it is a file, or is not writable.
    """
    nearest = next((folder for folder in (path, *path.parents) if folder.exists()), path)
    if nearest.exists() and not nearest.is_dir():
        raise OctavoError(f"{nearest} is a file: name a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OctavoError(f"cannot write into {path}: give another path as output=PATH")


def common_parent(runs: Sequence[Path]) -> Path:
    """Return the deepest folder that contains all of the runs' folders, by their paths as given."""
    return Path(os.path.commonpath([os.path.dirname(os.path.abspath(run)) for run in runs]))
