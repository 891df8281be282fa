"""Figures look the same whatever settings of Matplotlib a user has, and those settings stay as they are.

A user's settings come from ``MPLBACKEND``, from a ``matplotlibrc`` file, or from a notebook that set
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
    """Let a function that makes or writes a figure run within :func:`own_style`."""

    @wraps(make)
    def made(*arguments: P.args, **options: P.kwargs) -> R:
        with own_style():
            return make(*arguments, **options)

    return made


@contextmanager
def own_style() -> Iterator[None]:
    """Use Matplotlib's default settings, and keep its messages below an error off the terminal, for a while."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)  # such as three lines about a font cache that cannot be written; octavo doctor tells
    try:
        matplotlib = load_matplotlib()
        # rc_context gives all settings back but for the backend, which is never set here.
        defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
        with matplotlib.rc_context(defaults):
            yield
    finally:
        log.setLevel(level)


def load_matplotlib() -> ModuleType:
    """Import Matplotlib, also where the user's settings name an unknown backend or cannot be read.

    Settings that can be read are kept, so that a program that uses Matplotlib itself finds its own.
    """
    if "matplotlib" in sys.modules:
        return sys.modules["matplotlib"]
    backend = os.environ.pop("MPLBACKEND", None)  # a name that Matplotlib does not know would stop the import
    try:
        with warnings.catch_warnings(action="ignore"):
            try:
                matplotlib = import_module("matplotlib")
            except (ValueError, OSError):  # a matplotlibrc that is not UTF-8, or may not be read
                matplotlib = _import_with_default_settings()
            if backend:
                with suppress(ValueError):
                    matplotlib.rcParams["backend"] = backend
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    return matplotlib


def _import_with_default_settings() -> ModuleType:
    """Import Matplotlib in the folder of its own ``matplotlibrc``: a file in the working folder comes first."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]
    spec, here = find_spec("matplotlib"), os.getcwd()
    assert spec is not None
    assert spec.origin is not None
    os.chdir(Path(spec.origin).parent / "mpl-data")
    try:
        return import_module("matplotlib")
    finally:
        os.chdir(here)
