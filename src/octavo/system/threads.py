"""How many threads PyTorch has, how they wait for each other, and when there should be only one."""

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

DETACHED_THREAD = "octavo-detached"  # name of a thread that works in a library and cannot be stopped
_SPIN_COUNT = "1000"  # turns of a waiting loop, some tens of microseconds: about as long as waking takes


@dataclass
class _OneThreadState:
    """Who is in :func:`one_thread`, and how many threads there were before."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    before: int = 1


_ONE_THREAD = _OneThreadState()
_LOCAL = threading.local()  # has_one: whether this thread is in :func:`one_thread`


def configure_threads() -> None:
    """Ask OpenMP, before torch is first imported, for no more threads than a container lets run at once, and to let
    one that waits sleep after a moment of spinning.

    Threads beyond a container's share are all stopped when it is used up, in the middle of their work. Where
    anything else runs, threads that spin make a training step take ten times as long and more; where every
    core is free, those that sleep at once are late at each of a step's hundreds of pieces of work
    (docs/lab-notes.md). What the person has set stays.
    """
    if "OMP_NUM_THREADS" not in os.environ and usable_cores() < _n_cores():
        os.environ["OMP_NUM_THREADS"] = str(usable_cores())
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)


def usable_cores() -> int:
    """Of this process: those that it may run on, or fewer where a container has a share of their time."""
    return min([_n_cores(), *cpu_limits()])


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def requested_threads() -> int:
    """As many as torch would take: ``OMP_NUM_THREADS``, or one for each core."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else usable_cores()


def has_detached_thread() -> bool:
    """Return whether a thread is at work that cannot be stopped: Python must not end normally before it does."""
    return any(thread.name == DETACHED_THREAD for thread in threading.enumerate())


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work on one thread within it: for pieces of work too small to be worth sharing.

    Several threads may be in it at once. A thread that torch does not know yet begins with the number that any thread
    set last, so all of them go back to what the first one found.
    """
    import torch

    if getattr(_LOCAL, "has_one", False):
        yield
        return
    with _ONE_THREAD.lock:
        threads = torch.get_num_threads()  # asked in any case: a new thread would else take on another number later
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


def run_in_threads(pieces: Sequence[Callable[[], None]]) -> None:
    """Do all `pieces`, each on a thread of its own, on which torch has one: for work of many small steps, whose
    threads would else wait for each other after every one.

    Raises:
        Exception: what a piece raised, when all have ended.
    """
    from concurrent.futures import wait

    with one_thread():
        others = [_workers(os.getpid(), len(pieces) - 1).submit(piece) for piece in pieces[1:]]
        try:
            for piece in pieces[:1]:
                piece()
        finally:
            wait(others)
        for other in others:
            other.result()


@cache
def _workers(process: int, number: int) -> "ThreadPoolExecutor":
    """A forked `process` has none of its parent's threads."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(number, "octavo")
