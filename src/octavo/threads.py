"""How PyTorch's threads wait for each other, and when there should be only one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def let_waiting_threads_sleep() -> None:
    """Ask OpenMP, before torch is first imported, to let a thread that waits sleep rather than spin.

    Where every core is free that costs a little; where anything else runs, spinning makes a training step take ten
    times as long and more (docs/lab-notes.md). What the person has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


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
