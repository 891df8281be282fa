"""Stop training cleanly on Ctrl-C, SIGTERM or a closed terminal (SIGHUP): finish the step, save, then stop."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_HANGUP: int | None = None
if sys.platform != "win32":
    _HANGUP = signal.SIGHUP
_HANDLED = [number for number in (signal.SIGINT, signal.SIGTERM, _HANGUP) if number is not None]


class Interrupted(Exception):
    """Raised when a signal stopped training; its state is saved."""

    def __init__(self, signal_number: int, step: int) -> None:
        super().__init__(f"stopped at step {step}")
        self.signal_number, self.step = signal_number, step
        self.run_name = ""  # set by the caller that knows the run


class InterruptedAtOnce(KeyboardInterrupt):
    """Raised when Ctrl-C interrupts outside the training loop; the run can be resumed from its last checkpoint."""

    def __init__(self, run_name: str) -> None:
        super().__init__(f"stopped {run_name} at once")
        self.run_name = run_name


@contextmanager
def stop_signals() -> Iterator[Callable[[], int]]:
    """Handle signals within a ``with`` block; yield a function that returns the number of the signal received, or 0.

    A second signal takes effect at once, except SIGHUP: a terminal that closes may send several. A signal that is
    ignored, such as SIGHUP under nohup, stays ignored. Outside the main thread, where Python allows no handlers,
    signals keep their usual effect.
    """
    received = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if received and number != _HANGUP:
            raise KeyboardInterrupt
        received = received or number

    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    noted = [number for number in _HANDLED if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in noted}
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
