"""Callbacks to which long work reports its progress, and functions that ignore the reports.

A function that takes long has a parameter `watch` of one of these types. It calls the callback often, also where the
fraction has not changed, so that a callback which raises an exception can stop the work.
"""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]  # receives the fraction of the work that is done, 0 to 1
PhaseCallback = Callable[[str, float], None]  # receives the name of the work, and the fraction of it that is done
MessageCallback = Callable[[str], None]  # receives one line that says what is being done


def no_progress(fraction: float) -> None:
    """Ignore the fraction that is done."""


def no_phase_progress(phase: str, fraction: float) -> None:
    """Ignore the phase and the fraction of it that is done."""


def no_message(message: str) -> None:
    """Ignore a message."""


def subrange(watch: ProgressCallback, begin: float, end: float) -> ProgressCallback:
    """Return a callback for a part of some work.

    Args:
        watch: the callback of all the work.
        begin: the fraction of all the work that is done before the part.
        end: the fraction of all the work that is done after it.

    Example:
        >>> subrange(print, 0.5, 1.0)(0.5)
        0.75
    """
    return lambda fraction: watch(begin + fraction * (end - begin))
