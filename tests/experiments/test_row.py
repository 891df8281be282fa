"""A row of an experiment comes back from its JSON, and nothing else is taken for one."""

from typing import Any

import pytest
from tests.experiments.conftest import MakeRow

from octavo.experiments.results import CellResult


def test_a_row_comes_back(make_row: MakeRow) -> None:
    for row in (
        make_row("a", 1, at_context={"16": 1.0, "32": None}),
        CellResult("a", 1, "a-seed1", failure="why", trace="t"),
    ):
        assert CellResult.from_json(row.to_dict()) == row


@pytest.mark.parametrize(
    "change",
    [
        {"variant": ["x"]},
        {"seed": {}},
        {"seed": "1"},
        {"at_context": {"16": "1.0"}},
        {"at_context": None},
        {"nats_per_character": [1.0]},
        {"of_another": "version"},
    ],
)
def test_what_another_version_or_somebody_else_wrote_is_none(make_row: MakeRow, change: dict[str, Any]) -> None:
    assert CellResult.from_json(make_row("a", 1).to_dict() | change) is None


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"variant": "a"}])
def test_so_is_what_is_not_even_an_object(value: Any) -> None:
    assert CellResult.from_json(value) is None
