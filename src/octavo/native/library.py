"""Finding the compiled kernels."""

import ctypes
import os
import sysconfig
from functools import cache
from pathlib import Path

BUILDS = ("_avx512", "_avx2")  # the fastest first; pyproject.toml says how each is compiled
_LAYOUT = 1  # of fits.c


@cache
def library() -> ctypes.CDLL | None:
    """The fastest build that this processor can run; None where there is none, or ``OCTAVO_NATIVE`` is 0."""
    if os.environ.get("OCTAVO_NATIVE", "1") == "0":
        return None
    return next(filter(None, map(opened, BUILDS)), None)


def opened(build: str) -> ctypes.CDLL | None:
    """A build that was made for this Python; None if there is none, it is of another version of Octavo, or the
    processor lacks something."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
    try:
        found = ctypes.CDLL(str(Path(__file__).with_name(f"{build}{suffix}")))
        return found if found.octavo_fits() == _LAYOUT else None
    except (OSError, AttributeError):
        return None
