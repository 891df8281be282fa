"""One process at a time trains a run, and one at a time changes a file of results in it.

The system lets go of a lock when its holder dies, however it dies.
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
except ImportError:  # not POSIX: two processes on one run are not noticed there
    fcntl = None


class Locked(OctavoError):
    """Another process works on the run."""


@contextmanager
def locked(run: RunDirectory) -> Iterator[None]:
    """Hold the run's lock. Its file says who holds it; what a dead process has left there does not count.

    Raises:
        Locked: another process holds it.
        OctavoError: the run's folder cannot be written to.
    """
    # The file may be there already, and be a link: what it leads to is not ours to empty.
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
                    f"{run.path} cannot be locked ({error.strerror}): choose a folder of runs on a disk that can"
                ) from None
        _tell(file, f"{os.getpid()} on {platform.node()}".encode())
        try:
            yield
        finally:
            _tell(file, b"")


@contextmanager
def updating(run: RunDirectory) -> Iterator[None]:
    """Hold the run's folder while a file in it is read, changed and written again: another process waits meanwhile.

    A process that trains the run holds another lock, so results can be added to the run while it trains. Where the
    folder cannot be locked (no fcntl, or some network disks) the file is changed all the same: it stays whole, but
    of two changes in the same moment one may be lost.
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


def _tell(file: FileIO, holder: bytes) -> None:
    with suppress(OSError):  # a full disk: then nobody knows who, and the lock is held all the same
        file.truncate(0)
        if holder:
            file.write(holder)
