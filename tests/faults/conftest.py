"""Undisturbed runs, and the process that starts disturbed ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.harness import EPOCHS, STEPS, Nursery, built_faults


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return the process that starts training processes."""
    library = built_faults(tmp_path_factory.mktemp("faults"))
    if library is None:
        pytest.skip("faults at system calls need Linux and a C compiler")
    with Nursery(library) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def line_file(play: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a text of 3,000 characters."""
    path = tmp_path_factory.mktemp("lines") / "lines.txt"
    path.write_text(play[:3_000])
    return path


@pytest.fixture(scope="session")
def by_steps(nursery: Nursery, line_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train an undisturbed run with a budget of steps."""
    run = tmp_path_factory.mktemp("steps") / "run"
    assert nursery.train(run, line_file, **STEPS).code == 0
    return run


@pytest.fixture(scope="session")
def by_epochs(nursery: Nursery, line_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train an undisturbed run with a budget of epochs."""
    run = tmp_path_factory.mktemp("epochs") / "run"
    assert nursery.train(run, line_file, **EPOCHS).code == 0
    return run
