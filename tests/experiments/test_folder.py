"""The folder of an experiment with many cells."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.experiments.folder import ExperimentFolder
from octavo.experiments.results import CellResult
from octavo.experiments.spec import read_spec
from octavo.formats.untrusted import MAX_TEXT_BYTES

MakeRow = Callable[..., CellResult]


def test_a_file_of_many_rows_is_written_and_read(values: dict[str, Any], make_row: MakeRow, tmp_path: Path) -> None:
    spec = read_spec(values | {"seeds": list(range(100))})
    trace = "a line of a traceback\n" * 300  # so that 200 rows are as long as thousands without one
    rows = [make_row(variant.name, seed, trace=trace) for variant, seed in spec.cells()]
    folder = ExperimentFolder(tmp_path)
    folder.write(spec, {}, rows, ())
    assert (tmp_path / "experiment.json").stat().st_size > MAX_TEXT_BYTES
    assert folder.saved["rows"] == [row.to_dict() for row in rows]
