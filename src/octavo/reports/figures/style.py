"""Draw figures with the default settings of Matplotlib, and leave the user's settings unchanged.

The user's settings come from ``MPLBACKEND``, from a ``matplotlibrc`` file, or from a notebook that set
``matplotlib.rcParams``. Figures here are `Figure` objects that are written as files: they need no backend.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def in_own_style(make: Callable[P, R]) -> Callable[P, R]:
    """Run a function that makes or writes a figure within :func:`own_style`."""

    @wraps(make)
    def wrapper(*arguments: P.args, **options: P.kwargs) -> R:
        with own_style():
            return make(*arguments, **options)

    return wrapper


@contextmanager
def own_style() -> Iterator[None]:
    """Use the default settings of Matplotlib, and show only its errors, within a ``with`` block."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)  # not the lines on a font cache that cannot be written: octavo doctor checks it
    try:
        matplotlib = load_matplotlib()
        # rc_context restores all settings but the backend, which is never set here.
        defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
        with matplotlib.rc_context(defaults):
            yield
    finally:
        log.setLevel(level)


def load_matplotlib() -> ModuleType:
    """Import Matplotlib, also if the user's settings name an unknown backend or cannot be read.

    Settings that can be read are kept for programs that use Matplotlib themselves.
    """
    if "matplotlib" in sys.modules:
        return sys.modules["matplotlib"]
    backend = os.environ.pop("MPLBACKEND", None)  # a name that Matplotlib does not know would stop the import
    try:
        with warnings.catch_warnings(action="ignore"):
            try:
                matplotlib = import_module("matplotlib")
            except (ValueError, OSError):  # a matplotlibrc that is not UTF-8, or has no read permission
                matplotlib = _import_with_default_settings()
            if backend:
                with suppress(ValueError):
                    matplotlib.rcParams["backend"] = backend
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    return matplotlib


def _import_with_default_settings() -> ModuleType:
    """Import Matplotlib in the folder of its own ``matplotlibrc``: a file in the working folder has precedence."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]
    spec, working_folder = find_spec("matplotlib"), os.getcwd()
    assert spec is not None
    assert spec.origin is not None
    os.chdir(Path(spec.origin).parent / "mpl-data")
    try:
        return import_module("matplotlib")
    finally:
        os.chdir(working_folder)
