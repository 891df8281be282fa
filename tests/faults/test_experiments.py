"""Cells whose processes are killed end as those that nobody disturbed."""

import os
from pathlib import Path
from random import Random

import pytest
from tests.faults.experiments import killed_cells, undisturbed, write_spec


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_in_processes_of_this_machine(line_file: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, line_file, steps=150)
    expected = undisturbed(spec, tmp_path / "undisturbed")
    assert killed_cells(spec, tmp_path / "killed", expected, Random(1), dask=False)
