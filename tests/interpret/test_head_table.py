"""The table survives its file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.interpret.head_table import HeadTable

MakeTable = Callable[..., HeadTable]


def test_it_is_the_same_after_json(make_table: MakeTable) -> None:
    table = make_table([{"previous": 0.8}, {}], [{"line": 0.5, "cost": 0.0}, {}], without=["speaker"])
    values = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert HeadTable.from_json(values) == table
    assert [entry["name"] for entry in values["heads"]] == ["previous", "no name", "line", "no name"]
    assert "speaker" not in values["heads"][0]["shares"]


def test_a_file_of_an_earlier_version_is_read_and_written_alike() -> None:
    file = Path(__file__).parents[1] / "runs" / "earlier_version" / "finished" / "look" / "heads.json"
    values = json.loads(file.read_text())
    table = HeadTable.from_json(values)
    assert json.loads(json.dumps(table.to_dict())) == values
    assert (
        table.heads[0].target_fractions["previous"].measured.mean
        == values["heads"][0]["shares"]["previous"]["found"]["mean"]
    )
    assert table.uniform_distance == values["even_distance"]


def test_layers_and_labels(make_table: MakeTable) -> None:
    table = make_table([{}, {}], [{}, {}])
    assert [[head.label for head in layer] for layer in table.layers] == [["0.0", "0.1"], ["1.0", "1.1"]]


@pytest.mark.parametrize("change", [{"version": 0}, {"heads": None}, {"heads": [{}]}, {"more": 1}])
def test_another_file_is_refused(make_table: MakeTable, change: dict[str, object]) -> None:
    with pytest.raises(OctavoError, match="measure the heads again"):
        HeadTable.from_json(make_table([{}]).to_dict() | change)
    with pytest.raises(OctavoError, match="measure the heads again"):
        HeadTable.from_json([])
