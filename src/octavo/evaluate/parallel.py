"""Tasks on a few threads, for work that lets other threads run; one who waits sees how far it is, and can stop it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from octavo.system.progress import ProgressCallback
from octavo.system.threads import usable_cores

T = TypeVar("T")
_LOOK = 0.1  # seconds between two looks at how far it is


class Cancelled(Exception):
    """Nobody waits for the result any more."""


class ProgressMeter:
    """How much of `total` is done, in whatever unit. Tasks tell it, and hear from it when to stop."""

    def __init__(self, total: float) -> None:
        self._total, self._done, self._lock, self._stop = total, 0.0, threading.Lock(), False

    @property
    def fraction(self) -> float:
        """0 … 1."""
        return min(1.0, self._done / max(self._total, 1e-9))

    def add(self, amount: float) -> None:
        """So much more is done.

        Raises:
            Stopped: the task is to end.
        """
        with self._lock:
            self._done += amount
        if self._stop:
            raise Cancelled

    def stop(self) -> None:
        """Let the tasks end where they next tell how far they are."""
        self._stop = True


def run_parallel(tasks: Sequence[Callable[[], T]], meter: ProgressMeter, watch: ProgressCallback) -> list[T]:
    """The results of the tasks, in their order; `watch` is told the meter's share now and then.

    Raises:
        Exception: what the first task that failed raised; the others are stopped.
    """
    with ThreadPoolExecutor(min(4, usable_cores())) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            waiting = True
            while waiting:
                done, left = wait(futures, _LOOK, FIRST_EXCEPTION)
                for future in done:
                    future.result()
                watch(meter.fraction)
                waiting = bool(left)
        except BaseException:  # Ctrl-C too
            meter.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
