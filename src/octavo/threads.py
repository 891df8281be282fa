"""How PyTorch's threads wait for each other."""

import os


def let_waiting_threads_sleep() -> None:
    """Ask OpenMP, before torch is first imported, to let a thread that waits sleep rather than spin.

    Where every core is free that costs a little; where anything else runs, spinning makes a training step take ten
    times as long and more (docs/lab-notes.md). What the person has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
