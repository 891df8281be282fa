"""Locks: one process at a time trains a run, and one at a time changes a file of results in it.

The system releases a lock when the process that holds it ends, however it ends.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from types import ModuleType

from octavo.errors import OctavoError
from octavo.runs.directory import RunDirectory
from octavo.system.terminal import escape_controls

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not POSIX: there two processes may train one run
    fcntl = None


class Locked(OctavoError):
    """Raised when another process trains the run."""


@contextmanager
def locked(run: RunDirectory) -> Iterator[None]:
    """Hold the run's lock; its file names the process that holds it.

    Raises:
        Locked: another process holds it.
        OctavoError: the run's folder cannot be written to.
    """
    # The file may exist and be a link, whose target must not be emptied.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.fdopen(os.open(run.path / ".lock", flags, 0o644), "a+b", buffering=0)
    except OSError as error:
        raise OctavoError(f"{run.path} cannot be written to ({error.strerror}): check its permissions") from None
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Locked(
                    f"another process is training {run.name}{_holder(file)}: wait for it, or stop it"
                ) from None
            except OSError as error:
                raise OctavoError(
                    f"{run.path} cannot be locked ({error.strerror}): choose a folder of runs on another disk"
                ) from None
        _write_holder(file, f"{os.getpid()} on {platform.node()}".encode())
        try:
            yield
        finally:
            _write_holder(file, b"")


@contextmanager
def updating(run: RunDirectory) -> Iterator[None]:
    """Lock the run's folder while a result file in it is read, changed and written; other processes wait.

    The lock of :func:`locked` is another one, so results can be added to a run while it trains. If the folder cannot
    be locked (no fcntl, or some network disks), the file is changed without a lock: it stays intact, but one of two
    simultaneous changes may be lost.
    """
    handle = None
    if fcntl is not None:
        with suppress(OSError):
            handle = os.open(run.path, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _holder(file: FileIO) -> str:
    file.seek(0)
    holder = escape_controls(file.read(300).decode(errors="replace"))
    return f" (process {holder})" if holder else ""


def _write_holder(file: FileIO, holder: bytes) -> None:
    with suppress(OSError):  # a full disk: the lock is held, but its holder is not named
        file.truncate(0)
        if holder:
            file.write(holder)
