"""The words around the table say what holds of it."""

import dataclasses
import re
from collections.abc import Callable

import pytest

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_labels import MEANINGS, TITLES, counted_windows, percent, table_caveats, table_sample
from octavo.interpret.head_table import INERT, UNCLASSIFIED, UNIFORM, HeadTable
from octavo.system.statistics import Estimate

MakeTable = Callable[..., HeadTable]


def test_every_name_has_a_title_and_a_meaning() -> None:
    assert set(TITLES) == set(MEANINGS) == {*(kind.name for kind in TARGET_KINDS), UNIFORM, INERT, UNCLASSIFIED}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Estimate(64, 0.412, 0.402, 0.454), ("41", "40 … 45")),
        (Estimate(64, 0.412, 0.408, 0.416), ("41.2", "40.8 … 41.6")),
        (Estimate(1, 0.412, None, None), ("41", "")),
    ],
)
def test_a_share_is_told_as_exactly_as_it_is_known(found: Estimate, text: tuple[str, str]) -> None:
    assert percent(found) == text


def test_what_was_measured(make_table: MakeTable) -> None:
    table = make_table([{}])
    assert re.findall(r"[\d.]+", table_sample(table)) == ["64", "128", "2.070", "2.060", "2.080"]
    assert table_caveats(table) == []
    one = dataclasses.replace(table, windows=1, bits_per_character=Estimate(1, 2.0, None, None))
    assert counted_windows(one) == "1 window of 128 tokens"
    assert re.findall(r"[\d.]+", table_sample(one)) == ["1", "128", "2.000"]


def test_what_is_missing_is_said(make_table: MakeTable) -> None:
    table = make_table([{}], without=["speaker", "line"])
    assert table_caveats(table) == [f"{what}: none in this text" for what in ("line starts", "speaker's name")]
    assert "no intervals" in table_caveats(dataclasses.replace(table, windows=1))[0]
    assert "say little" in table_caveats(dataclasses.replace(table, windows=4))[0]
    assert "lossy" in table_caveats(dataclasses.replace(table, lossless_tokenizer=False))[-1]
