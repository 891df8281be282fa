"""Write files atomically: a reader, or a crash, sees the old file or the complete new one, never a part."""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_DEVICE_NAME = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TEMPORARY_NAME = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}", re.DOTALL)
_STALE_SECONDS = 24 * 3600  # no file takes longer to write


def user_path(given: str | os.PathLike[str]) -> Path:
    """Return a path that the user gave, with ``~`` expanded, which no shell expands within an argument.

    A path that exists as given, or names an unknown user, is unchanged.
    """
    return Path(given if os.path.lexists(given) else os.path.expanduser(given))


def is_device(name: str) -> bool:
    """Return whether Windows reserves a name for a device, in every folder and with every suffix."""
    return bool(_DEVICE_NAME.fullmatch(name))


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Write `content`, or its chunks, to a temporary file next to `path`, flush it to the disk and rename it.

    Raises:
        OSError: the folder cannot be written to, or the disk is full; `path` is unchanged. The error names it, and if
            the disk is full the bytes that are needed, where they are known.
    """
    try:
        temporary = temporary_path(path)
        file = temporary.open("xb")
        try:
            with file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:  # the system does not name the file if the disk is full
        needs = f"; it needs {len(content):,} bytes" if isinstance(content, bytes) and disk_is_full(error) else ""
        raise OSError(error.errno, f"{error.strerror}{needs}", str(path)) from None


def temporary_path(path: Path) -> Path:
    """Return a hidden temporary path next to `path`, which no other process on any machine uses."""
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}")


def remove_stale_files(folder: Path, name: str = "") -> None:
    """Remove temporary files of `name`, or of all names, that killed processes left in `folder`.

    Only files older than a day are removed: a younger one may belong to a running process.
    """
    with suppress(OSError):  # the folder belongs to another user
        for path in list(folder.iterdir()):
            match = _TEMPORARY_NAME.fullmatch(path.name)
            if match and name in ("", match["name"]):
                with suppress(OSError):  # or the file does, or it was removed meanwhile
                    if time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                        remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def disk_is_full(error: OSError) -> bool:
    """Return whether an error means that the disk, the user's quota or the limit of file size is exhausted."""
    return error.errno in _DISK_FULL_ERRORS


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system (POSIX) and the file system support it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # as some network file systems do
            raise
    finally:
        os.close(handle)
