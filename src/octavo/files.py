"""Write a file so that a reader, or a crash, sees the old one or the whole new one, never a part."""

import errno
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_device(name: str) -> bool:
    """Whether Windows takes a name for one of its devices, whatever the folder and the suffix."""
    return bool(_DEVICE.fullmatch(name))


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Write `content`, whole or piece by piece, beside `path`, flush to the disk, then rename into place.

    Raises:
        OSError: the folder cannot be written to, or the disk is full; `path` is as it was. The error names it, and
            of a full disk how many bytes it needs, where they are known.
    """
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o644)  # mkstemp makes it private
            os.replace(beside, path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:  # of a full disk the system names no file
        needs = f"; it needs {len(content):,} bytes" if isinstance(content, bytes) and disk_is_full(error) else ""
        raise OSError(error.errno, f"{error.strerror}{needs}", str(path)) from None


def disk_is_full(error: OSError) -> bool:
    """Whether there was no room: on the disk, of what a person may have of it, or of what a process may."""
    return error.errno in _FULL


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, where the system can (POSIX)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
