"""With Octavo's compiled kernels and without them, in one process: the one place that turns them off and on."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from octavo.kernels.library import library

_SWITCH = "OCTAVO_NATIVE"
WITH, WITHOUT = "octavo", "octavo, no kernels"


@contextmanager
def without_kernels() -> Iterator[None]:
    """Within it there are none, whatever asks for them."""
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
    """`work` without kernels; it gives its seconds, in which turning them off and on is not counted."""

    def run() -> float:
        with without_kernels():
            began = time.perf_counter()
            told = work()
            return time.perf_counter() - began if told is None else told

    return run


def with_and_without_kernels(work: Callable[[], float | None]) -> dict[str, Callable[[], float | None]]:
    """`work` without kernels, which is what others are compared with, and with them; alone where there are none."""
    return {WITHOUT: work} if library() is None else {WITHOUT: timed_without_kernels(work), WITH: work}
