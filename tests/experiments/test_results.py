"""A row of an experiment is read from its JSON, and nothing else is."""

from typing import Any

import pytest
from tests.experiments.conftest import MakeRow

from octavo.experiments.results import CellResult


def test_the_keys_on_disk_are_those_of_earlier_versions() -> None:
    assert " ".join(CellResult("a", 1, "a-seed1").to_dict()) == (
        "variant seed run failure final ran_away trace nats_per_character bits_per_character nats_per_token "
        "standard_error_nats_per_character at_context train_loss validation_loss weight_norm steps epochs seconds "
        "tokens_per_second parameters peak_memory_bytes ended sittings characters text_sha256 tokenizer "
        "lossless_tokenizer selected_on_this_text"
    )


def test_a_row_is_read_from_its_json(make_row: MakeRow) -> None:
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
def test_other_types_or_keys_are_no_row(make_row: MakeRow, change: dict[str, Any]) -> None:
    assert CellResult.from_json(make_row("a", 1).to_dict() | change) is None


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"variant": "a"}])
def test_other_json_is_no_row(value: Any) -> None:
    assert CellResult.from_json(value) is None
