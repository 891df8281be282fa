"""One process at a time works on a run. The system lets go of the lock when its holder dies, however it dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from octavo.errors import OctavoError
from octavo.runs.directory import RunDirectory

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not POSIX: two processes on one run are not noticed there
    fcntl = None


@contextmanager
def locked(run: RunDirectory) -> Iterator[None]:
    """Hold the run's lock.

    Raises:
        OctavoError: another process holds it, or the run's folder cannot be written to.
    """
    # The file may be there already, and be a link: what it leads to is not ours to empty.
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.fdopen(os.open(run.path / ".lock", flags, 0o644), "wb")
    except OSError as error:
        raise OctavoError(f"{run.path} cannot be written to ({error.strerror}): check its permissions") from None
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise OctavoError(f"another process is training {run.name}: wait for it, or stop it") from None
        yield
