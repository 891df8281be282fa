"""How PyTorch's threads wait for each other, and when there should be only one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_MOMENT = "1000"  # turns of a waiting loop, some tens of microseconds: about as long as waking takes


def let_waiting_threads_sleep() -> None:
    """Ask OpenMP, before torch is first imported, to let a thread that waits sleep after a moment of spinning.

    Where anything else runs, threads that spin make a training step take ten times as long and more; where every
    core is free, those that sleep at once are late at each of a step's hundreds of pieces of work
    (docs/lab-notes.md). What the person has set stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", _MOMENT)


def usable_cores() -> int:
    """Of this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_asked_for() -> int:
    """As many as torch would take: ``OMP_NUM_THREADS``, or one for each core."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else usable_cores()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch works on one thread: for pieces of work too small to be worth sharing."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
