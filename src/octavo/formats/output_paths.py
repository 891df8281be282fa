"""Where a page may be written, looked at before the work is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from octavo.errors import OctavoError


def prepare_page_path(path: Path) -> Path:
    """The path of a page, whose folder is there now.

    Raises:
        OctavoError: a page cannot be written there.
    """
    if path.is_dir():
        raise OctavoError(f"{path} is a folder: name a file, such as {path / 'report.html'}")
    prepare_folder(path.parent)
    return path


def prepare_folder(path: Path) -> Path:
    """A folder for a page and its pictures, which is there now.

    Raises:
        OctavoError: it is a file, or cannot be written into.
    """
    check_writable(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OctavoError(f"cannot make the folder {path}: {error.strerror}") from None
    return path


def check_writable(path: Path) -> None:
    """See that a folder can be written into, or made. It is not made.

    Raises:
        OctavoError: it is a file, or cannot be written into.
    """
    for folder in (path, *path.parents):
        if folder.exists() and not folder.is_dir():
            raise OctavoError(f"{folder} is a file: name a folder")
    nearest = next((folder for folder in (path, *path.parents) if folder.exists()), path)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OctavoError(f"cannot write into {path}: give another place as output=PLACE")


def common_parent(runs: Sequence[Path]) -> Path:
    """The folder that holds all of the runs' folders, as they are named."""
    return Path(os.path.commonpath([os.path.dirname(os.path.abspath(run)) for run in runs]))
