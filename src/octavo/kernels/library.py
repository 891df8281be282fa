"""Finding the compiled kernels."""

import ctypes
import os
import sysconfig
from functools import cache
from pathlib import Path

from octavo.system.hardware import cpu_features, is_x86
from octavo.system.terminal import escape_controls

BUILDS = ("_avx512", "_avx2")  # the fastest first; pyproject.toml says how each is compiled
_LAYOUT = 2  # of fits.c
_SWITCH = "OCTAVO_NATIVE"


@cache
def library() -> ctypes.CDLL | None:
    """The fastest build that this processor can run, or the one that ``OCTAVO_NATIVE`` names (avx512, avx2); None
    where there is none, or that is 0."""
    asked = os.environ.get(_SWITCH, "")
    builds = [build for build in BUILDS if asked in ("", "1", build.removeprefix("_"))]
    return next(filter(None, map(load_build, builds)), None)


def active_build() -> str:
    """The build of the kernels that is used: avx512 or avx2; none."""
    found = library()
    return "none" if found is None else Path(found._name).name.partition(".")[0].removeprefix("_")


def unavailable_reason() -> str:
    """Why there are no kernels, for people, with what to do; empty if there are some."""
    if library() is not None:
        return ""
    asked = os.environ.get(_SWITCH, "")
    if asked == "0":
        return f"left out, as {_SWITCH}=0 asks"
    if asked not in ("", "1"):
        known = ", ".join(build.removeprefix("_") for build in BUILDS)
        return f"{_SWITCH}={escape_controls(asked)} names no build that runs here: unset it, or take {known} or 0"
    if not is_x86():
        return "made for x86-64 processors"
    if not any(map(os.path.exists, map(_place, BUILDS))):
        return "not compiled: get a C compiler, then install Octavo again"
    if (features := cpu_features()) and "AVX2" not in features:
        return "the processor lacks AVX2"
    return "of another version, or damaged: install Octavo again"


def load_build(build: str) -> ctypes.CDLL | None:
    """A build that was made for this Python; None if there is none, it is of another version of Octavo, or the
    processor lacks something."""
    try:
        found = ctypes.CDLL(_place(build))
        return found if found.octavo_fits() == _LAYOUT else None
    except (OSError, AttributeError):
        return None


def _place(build: str) -> str:
    return str(Path(__file__).with_name(f"{build}{sysconfig.get_config_var('EXT_SUFFIX') or '.so'}"))
