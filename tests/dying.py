"""Processes of tests that do not outlive them, however the tests end."""

import ctypes
import signal
import sys
from collections.abc import Callable

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def with_parent() -> Callable[[], None] | None:
    """What `subprocess` is to call in a child (`preexec_fn`): Linux kills it when whoever started it is gone, even
    by a signal that no `finally` sees. None elsewhere.
    """
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return lambda: library.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
