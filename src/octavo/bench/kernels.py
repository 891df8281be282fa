"""Run work with and without Octavo's compiled kernels in one process; only this module turns them off and on."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from octavo.bench.measure import BenchCase
from octavo.kernels.library import library

_SWITCH = "OCTAVO_NATIVE"
WITH, WITHOUT = "octavo", "octavo, no kernels"  # names of cases


@contextmanager
def without_kernels() -> Iterator[None]:
    """Disable the compiled kernels within this context, also for child processes."""
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "0"
    library.cache_clear()
    try:
        yield
    finally:
        del os.environ[_SWITCH]
        if before is not None:
            os.environ[_SWITCH] = before
        library.cache_clear()


def timed_without_kernels(work: Callable[[], float | None]) -> Callable[[], float]:
    """Return a function that does `work` without kernels and returns its seconds.

    The time to turn the kernels off and on is not included.
    """

    def run() -> float:
        with without_kernels():
            began = time.perf_counter()
            reported = work()
            return time.perf_counter() - began if reported is None else reported

    return run


def with_and_without_kernels(case: BenchCase) -> list[BenchCase]:
    """Return the case without kernels, the reference, then with them; only the first where there are no kernels."""
    if library() is None:
        return [replace(case, name=WITHOUT)]
    return [replace(case, name=WITHOUT, run=timed_without_kernels(case.run)), replace(case, name=WITH)]
