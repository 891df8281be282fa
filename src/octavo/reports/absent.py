"""Parts that cannot be made: each says why in one sentence in its place, and the others are there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from octavo.errors import OctavoError, reason

T = TypeVar("T")


@dataclass(frozen=True)
class Absent:
    """Why something is not there, in one sentence."""

    why: str


def attempt(make: Callable[[], T]) -> T | Absent:
    """What `make` makes, or why it cannot."""
    try:
        return make()
    except OctavoError as error:
        return Absent(_sentence(str(error)))
    except Exception as error:  # a report of a damaged run must show what is whole, whatever is wrong with the rest
        return Absent(
            _sentence(f"this part cannot be made from what lies in the run ({type(error).__name__}: {reason(error)})")
        )


def known(value: T | Absent) -> T:
    """The value.

    Raises:
        OctavoError: it is absent.
    """
    if isinstance(value, Absent):
        raise OctavoError(value.why)
    return value


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
