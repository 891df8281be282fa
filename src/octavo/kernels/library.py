"""Discovery of the compiled kernels. Importing this does not import torch."""

import ctypes
import os
import sysconfig
from functools import cache
from pathlib import Path

from octavo.system.hardware import cpu_features, is_x86
from octavo.system.terminal import escape_controls

BUILDS = ("_avx512", "_avx2")  # the fastest first; pyproject.toml has the compiler flags of each
_ABI_VERSION = 3  # of cpu_check.c
_VARIABLE = "OCTAVO_NATIVE"


@cache
def library() -> ctypes.CDLL | None:
    """Return the fastest build of the kernels that this CPU can run, or None if there is none.

    The environment variable ``OCTAVO_NATIVE`` can name a build (``avx512`` or ``avx2``), or disable all with ``0``.
    """
    requested = os.environ.get(_VARIABLE, "")
    builds = [build for build in BUILDS if requested in ("", "1", build.removeprefix("_"))]
    return next(filter(None, map(load_build, builds)), None)


def active_build() -> str:
    """Return the name of the build in use: ``avx512``, ``avx2`` or ``none``."""
    kernels = library()
    return "none" if kernels is None else Path(kernels._name).name.partition(".")[0].removeprefix("_")


def unavailable_reason() -> str:
    """Return why there are no kernels, and the fix if there is one; an empty string if there are kernels."""
    if library() is not None:
        return ""
    requested = os.environ.get(_VARIABLE, "")
    if requested == "0":
        return f"disabled by {_VARIABLE}=0"
    if requested not in ("", "1"):
        names = ", ".join(build.removeprefix("_") for build in BUILDS)
        return f"{_VARIABLE}={escape_controls(requested)} is no build that runs here: unset it, or use {names} or 0"
    if not is_x86():
        return "written for x86-64 CPUs only"
    if not any(map(os.path.exists, map(_path, BUILDS))):
        return "not compiled: install a C compiler, then install Octavo again"
    if (features := cpu_features()) and "AVX2" not in features:
        return "the CPU has no AVX2"
    return "of another version, or damaged: install Octavo again"


def load_build(build: str) -> ctypes.CDLL | None:
    """Load one of :data:`BUILDS`, compiled for this Python.

    Returns:
        None if the file is missing or damaged, belongs to another version of Octavo, or needs instructions that this
        CPU does not have.
    """
    try:
        kernels = ctypes.CDLL(_path(build))
        return kernels if kernels.octavo_cpu_check() == _ABI_VERSION else None
    except (OSError, AttributeError):
        return None


def _path(build: str) -> str:
    return str(Path(__file__).with_name(f"{build}{sysconfig.get_config_var('EXT_SUFFIX') or '.so'}"))
