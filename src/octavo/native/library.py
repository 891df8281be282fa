"""Finding the compiled kernels."""

import ctypes
import os
from functools import cache
from pathlib import Path

_BUILDS = ("_avx512", "_avx2")  # the fastest first; pyproject.toml says how each is compiled


@cache
def library() -> ctypes.CDLL | None:
    """The fastest build that this processor can run; None where there is none, or ``OCTAVO_NATIVE`` is 0."""
    if os.environ.get("OCTAVO_NATIVE", "1") == "0":
        return None
    for build in _BUILDS:
        for path in sorted(Path(__file__).parent.glob(f"{build}.*")):
            try:
                found = ctypes.CDLL(str(path))
            except OSError:
                continue  # made for another system
            if found.octavo_fits():
                return found
    return None
