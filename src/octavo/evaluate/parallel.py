"""Run tasks on a few threads, report their progress, and stop them when one fails or the caller is interrupted."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from octavo.system.progress import ProgressCallback
from octavo.system.threads import usable_cores

T = TypeVar("T")
_POLL_SECONDS = 0.1  # between two reports of the progress


class Cancelled(Exception):
    """Raised inside a task whose result is not needed any more."""


class ProgressMeter:
    """Count how much of `total` is done, in any unit; tasks add to it, and end when it was stopped."""

    def __init__(self, total: float) -> None:
        self._total, self._done, self._lock, self._stop = total, 0.0, threading.Lock(), False

    @property
    def fraction(self) -> float:
        """Return the fraction that is done, 0 to 1."""
        return min(1.0, self._done / max(self._total, 1e-9))

    def add(self, amount: float) -> None:
        """Add an amount of finished work.

        Raises:
            Cancelled: the meter was stopped, so the task has to end.
        """
        with self._lock:
            self._done += amount
        if self._stop:
            raise Cancelled

    def stop(self) -> None:
        """Let each task end at its next call of :meth:`add`."""
        self._stop = True


def run_parallel(tasks: Sequence[Callable[[], T]], meter: ProgressMeter, watch: ProgressCallback) -> list[T]:
    """Run tasks on at most four threads; return their results in the order of the tasks.

    Args:
        tasks: functions that release the GIL for most of their time, and add to `meter`.
        meter: the work of all tasks.
        watch: is called with the meter's fraction about ten times a second.

    Raises:
        Exception: the error of the first task that failed; the others are stopped.
    """
    with ThreadPoolExecutor(min(4, usable_cores())) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            waiting = True
            while waiting:
                done, left = wait(futures, _POLL_SECONDS, FIRST_EXCEPTION)
                for future in done:
                    future.result()
                watch(meter.fraction)
                waiting = bool(left)
        except BaseException:  # Ctrl-C too
            meter.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
