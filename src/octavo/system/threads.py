"""Set the number of PyTorch's threads and how they wait for each other; run work on one thread, or on several."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from octavo.system.cgroups import cpu_limits

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

DETACHED_THREAD = "octavo-detached"  # name of a thread that runs inside a library and cannot be stopped
_SPIN_COUNT = "1000"  # iterations of a spinning thread, some tens of microseconds: about as long as waking one takes


@dataclass
class _OneThreadState:
    """The number of threads in :func:`one_thread`, and torch's number of threads before."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    before: int = 1


_ONE_THREAD = _OneThreadState()
_LOCAL = threading.local()  # .has_one is true while this thread is in :func:`one_thread`


def configure_threads() -> None:
    """Configure OpenMP by environment variables, before torch is first imported; variables that are set stay.

    There are no more threads than a container's CPU limit: with more, all are paused when the limit is used up. A
    waiting thread spins briefly, then sleeps. Threads that only spin make a training step ten times slower where
    other programs run; threads that sleep at once start late at each of a step's hundreds of parallel regions
    (docs/lab-notes.md).
    """
    if "OMP_NUM_THREADS" not in os.environ and usable_cores() < _n_cores():
        os.environ["OMP_NUM_THREADS"] = str(usable_cores())
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)


def usable_cores() -> int:
    """Return the number of cores that this process may use, limited by its affinity and its container."""
    return min([_n_cores(), *cpu_limits()])


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def requested_threads() -> int:
    """Return the number of threads that torch would use: ``OMP_NUM_THREADS``, or one per usable core."""
    value = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(value) if value.isdecimal() and int(value) else usable_cores()


def has_detached_thread() -> bool:
    """Return whether a thread runs that cannot be stopped; Python must not exit normally before it ends."""
    return any(thread.name == DETACHED_THREAD for thread in threading.enumerate())


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread within the context, for work too small to share among threads.

    Several threads may be in the context at once. A thread that is new to torch starts with the number that any
    thread set last, so all of them restore the number that the first one found.
    """
    import torch

    if getattr(_LOCAL, "has_one", False):
        yield
        return
    with _ONE_THREAD.lock:
        threads = torch.get_num_threads()  # asked in any case: a new thread would otherwise get another number later
        if not _ONE_THREAD.users:
            _ONE_THREAD.before = threads
        _ONE_THREAD.users += 1
        torch.set_num_threads(1)
    _LOCAL.has_one = True
    try:
        yield
    finally:
        _LOCAL.has_one = False
        with _ONE_THREAD.lock:
            _ONE_THREAD.users -= 1
            torch.set_num_threads(_ONE_THREAD.before)


def run_in_threads(tasks: Sequence[Callable[[], None]]) -> None:
    """Run each task on its own thread, on which torch uses one: for many small steps that would be slow to share.

    Raises:
        Exception: the exception of a task, once all have ended.
    """
    from concurrent.futures import wait

    with one_thread():
        others = [_workers(os.getpid(), len(tasks) - 1).submit(task) for task in tasks[1:]]
        try:
            for task in tasks[:1]:
                task()
        finally:
            wait(others)
        for other in others:
            other.result()


@cache
def _workers(process: int, number: int) -> "ThreadPoolExecutor":
    """Return the thread pool of a process; a forked process has none of its parent's threads."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(number, "octavo")
