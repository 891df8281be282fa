"""The packages that Octavo is made of: which versions it asks for, and which are here. Imports none of them."""

import os
import re
import shlex
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from shutil import which

_REQUIREMENT = re.compile(r"([\w.-]+)\s*(>=|==)\s*(\d+(?:\.\d+)*)\s*(?:;\s*extra\s*==\s*[\"']([\w-]+)[\"'])?")


@dataclass(frozen=True)
class Requirement:
    """A line of ``pyproject.toml``: a package, and the least version of it, or the only one."""

    name: str
    comparison: str  # >= or ==
    version: str
    extra: str  # the optional part that it belongs to; empty if nothing goes without it

    @property
    def here(self) -> str:
        """The version that is installed; empty if none is."""
        return installed_version(self.name)

    @property
    def fits(self) -> bool:
        """Whether the version that is installed is one that is asked for."""
        here = _numbers(self.here)
        return here == _numbers(self.version) if self.comparison == "==" else here >= _numbers(self.version)

    def __str__(self) -> str:
        return f"{self.name} {self.comparison} {self.version}"


def requirements() -> list[Requirement]:
    """All that Octavo asks for, as it was installed; nothing where it runs from its folder without having been."""
    try:
        lines = requires("octavo") or []
    except PackageNotFoundError:
        return []
    return [parse_requirement(line) for line in lines]


def parse_requirement(line: str) -> Requirement:
    """Read one line.

    Raises:
        ValueError: it says more than ``name>=version`` or ``name==version``, for all or for one optional part.
    """
    found = _REQUIREMENT.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"not understood: {line}")
    return Requirement(found[1], found[2], found[3], found[4] or "")


def installed_version(package: str) -> str:
    """The version of a package that is here; empty if none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def import_failure(package: str) -> Exception | None:
    """Return what importing a package raises; None if it can be imported."""
    try:
        import_module(package.replace("-", "_"))
    except Exception as error:  # a package may raise anything while it is imported: a missing library, a wrong one
        return error
    return None


def pip_install(*words: str) -> str:
    """Return the command that installs packages for this Python: ``pip`` only where that is its own."""
    pip = which("pip")
    own = pip is not None and os.path.dirname(pip) == os.path.dirname(sys.executable)
    return shlex.join([*(["pip"] if own else [sys.executable, "-m", "pip"]), "install", *words])


def _numbers(release: str) -> tuple[int, ...]:
    """A version's numbers, to compare by: (2, 13) of 2.13.0+cpu."""
    found = re.match(r"\d+(?:\.\d+)*", release)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:  # 14.0.0 is 14
        numbers.pop()
    return tuple(numbers)
