"""Parts that cannot be made: each says why in one sentence in its place, and the others are there.

The sentence is all that a reader needs. Whoever looks for a fault of Octavo sets ``OCTAVO_DEBUG=1``: then the
traceback goes to the ``octavo`` logger, which shows it on standard error.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from octavo.errors import OctavoError, reason
from octavo.terminal import capitalized

T = TypeVar("T")

_log = logging.getLogger("octavo")


@dataclass(frozen=True)
class Absent:
    """Why something is not there, in one sentence."""

    why: str


def attempt(make: Callable[[], T]) -> T | Absent:
    """Return what `make` makes, or why it cannot."""
    try:
        return make()
    except OctavoError as error:
        return Absent(_sentence(str(error)))
    except OSError as error:
        _trace(error)
        where = "" if error.filename is None else f": {error.filename}"
        return Absent(_sentence(f"{error.strerror or error}{where}"))
    except Exception as error:  # a report of a damaged run must show what is whole, whatever is wrong with the rest
        _trace(error)
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


def _trace(error: Exception) -> None:
    """Log the traceback: as an error, which Python shows, where somebody asks for it."""
    asked = os.environ.get("OCTAVO_DEBUG", "") not in ("", "0")
    _log.log(logging.ERROR if asked else logging.DEBUG, "a part could not be made", exc_info=error)


def _sentence(words: str) -> str:
    words = " ".join(words.split())
    return f"{capitalized(words).rstrip('.')}."
