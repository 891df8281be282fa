"""The example notebook runs from top to bottom, with a smaller text, model and budget, in a kernel of its own."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "look_inside.ipynb"
WHOLE = 'octavo.train(name="look-inside", steps=600'
SMALL = 'octavo.train({text!r}, name="look-inside", steps=20, overrides={tiny!r}'
SHOWN = ("run.curves()", "attention", "heads", "run.surprise(", "run.lens(", "edit")  # last lines


def read() -> Any:
    # nbformat ships type information, but this function has none.
    return nbformat.reads(NOTEBOOK.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pages(cells: list[Any]) -> list[str]:
    """The last lines of cells that show a page."""
    return [
        cell.source.splitlines()[-1]
        for cell in cells
        for output in cell.outputs
        if "<iframe" in output.get("data", {}).get("text/html", "")
    ]


def test_it_is_committed_executed_and_without_error() -> None:
    cells = code_cells(read())
    assert all(cell.outputs for cell in cells)
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert NOTEBOOK.stat().st_size < 2_000_000
    assert len(pages(cells)) == len(SHOWN)


@pytest.mark.timeout(240)
def test_it_runs(play_file: Path, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the kernel's: it is fastest so
    notebook = read()
    first = code_cells(notebook)[0]
    assert WHOLE in first.source
    settings = tiny | {"model.n_layers": 2}  # the notebook looks at the second
    first.source = first.source.replace(WHOLE, SMALL.format(text=str(play_file), tiny=settings))
    notebook.cells.append(nbformat.v4.new_code_cell("run"))  # type: ignore[no-untyped-call]
    for cell in code_cells(notebook):
        cell.outputs = []
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    *_, card = code_cells(notebook)
    assert "look-inside" in card.outputs[0]["data"]["text/html"]
    shown = pages(code_cells(notebook))
    assert len(shown) == len(SHOWN)
    assert all(line.startswith(expected) for line, expected in zip(shown, SHOWN, strict=True))
    assert (tmp_path / "runs" / "look-inside" / "report.html").stat().st_size > 100_000
