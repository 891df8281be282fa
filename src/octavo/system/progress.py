"""Callbacks that long work reports to, and the ones that ignore the report."""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]  # is called with the fraction of the work that is done, 0 to 1
PhaseCallback = Callable[[str, float], None]  # the same, with the name of the work first
MessageCallback = Callable[[str], None]  # is called with one line about what is being done


def no_progress(fraction: float) -> None:
    """Ignore the fraction that is done."""


def no_phase_progress(phase: str, fraction: float) -> None:
    """Ignore the phase and the fraction of it that is done."""


def no_message(message: str) -> None:
    """Ignore a message."""


def subrange(watch: ProgressCallback, begin: float, end: float) -> ProgressCallback:
    """Return a callback for a piece of work that is the part from `begin` to `end` of the whole."""
    return lambda fraction: watch(begin + fraction * (end - begin))
