"""Write a file so that a reader, or a crash, sees the old one or the whole new one, never a part."""

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
_STALE_SECONDS = 24 * 3600  # seconds: nothing is being written for so long


def user_path(given: str | os.PathLike[str]) -> Path:
    """Return a path as a person gives it: ``~`` stands for the home folder, also where no shell has replaced it.

    It stays as it is if there is such a file, or no such user.
    """
    return Path(given if os.path.lexists(given) else os.path.expanduser(given))


def is_device(name: str) -> bool:
    """Whether Windows takes a name for one of its devices, whatever the folder and the suffix."""
    return bool(_DEVICE_NAME.fullmatch(name))


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Write `content`, whole or piece by piece, beside `path`, flush to the disk, then rename into place.

    Raises:
        OSError: the folder cannot be written to, or the disk is full; `path` is as it was. The error names it, and
            of a full disk how many bytes it needs, where they are known.
    """
    try:
        beside = temporary_path(path)
        file = beside.open("xb")
        try:
            with file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:  # of a full disk the system names no file
        needs = f"; it needs {len(content):,} bytes" if isinstance(content, bytes) and disk_is_full(error) else ""
        raise OSError(error.errno, f"{error.strerror}{needs}", str(path)) from None


def temporary_path(path: Path) -> Path:
    """A place for what is to become `path`: hidden, and no other process has it, on whatever machine."""
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}")


def remove_stale_files(folder: Path, name: str = "") -> None:
    """Remove what processes that died had hidden in `folder` beside `name`, or beside anything.

    It stays for a day: what is younger may be of a process at work.
    """
    with suppress(OSError):  # it is somebody else's
        for place in list(folder.iterdir()):
            found = _TEMPORARY_NAME.fullmatch(place.name)
            if found and name in ("", found["name"]):
                with suppress(OSError):  # or this is, or it is gone meanwhile
                    if time.time() - place.lstat().st_mtime > _STALE_SECONDS:
                        remove(place)


def remove(place: Path) -> None:
    """Remove a file, or a folder with all that it holds."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def disk_is_full(error: OSError) -> bool:
    """Whether there was no room: on the disk, of what a person may have of it, or of what a process may."""
    return error.errno in _DISK_FULL_ERRORS


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, where the system (POSIX) and the disk can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # as some disks of a network answer
            raise
    finally:
        os.close(handle)
