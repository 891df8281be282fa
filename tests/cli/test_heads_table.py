"""The table of heads on a terminal."""

import dataclasses
import re
from collections.abc import Callable

from octavo.cli.heads_table import WIDTH, lines
from octavo.interpret.head_table import HeadTable
from octavo.interpret.head_words import MEANINGS
from octavo.intervals import Estimate

MakeTable = Callable[..., HeadTable]


def test_figures_intervals_names_and_chance(make_table: MakeTable) -> None:
    table = make_table([{"previous": 0.8, "distance": 1.5}, {}], [{"cost": 0.25, "same": 0.9}])
    told = lines(table)
    assert any(re.fullmatch(r"0\.0  previous token +80 ±1 +6 ±1 .*", line) for line in told)
    assert any(re.fullmatch(r"0\.0  previous token +1\.5 ±0\.0 +2\.50 ±0\.01 .*", line) for line in told)
    assert any(re.fullmatch(r"1\.0  same token earlier .* 0\.250 ±0\.010  0\.250 ±0\.010", line) for line in told)
    assert any(re.fullmatch(r"even attention( +5){8} +1", line) for line in told)
    assert f"previous token: {MEANINGS['previous']}" in told
    layers = [told[i + 1][:3] for i, line in enumerate(told[:-1]) if line == "" and re.match(r"\d", told[i + 1])]
    assert layers == ["1.0", "1.0"], "an empty line between layers, in both tables"


def test_nothing_is_wider_than_the_table(make_table: MakeTable) -> None:
    full = {"previous": 1.0, "same": 1.0, "distance": 1000.0, "entropy": 12.0, "cost": -2.0}
    table = make_table([full], [{}])
    assert max(map(len, lines(table))) <= WIDTH
    columns = [line for line in lines(table) if line.startswith("0.0")]
    assert "100 ±1" in columns[0]
    assert "-2.000 ±0.010 -2.000 ±0.010" in columns[1]


def test_what_is_not_known_is_left_out(make_table: MakeTable) -> None:
    table = make_table([{}], without=["speaker"])
    one = Estimate(1, 2.0, None, None)
    heads = (dataclasses.replace(table.heads[0], distance=one, induction_random=None),)
    told = lines(dataclasses.replace(table, windows=1, heads=heads, bits_per_character=one))
    assert any(re.search(r"6 ±1 +– +–$", line) for line in told)
    assert any(re.search(r"none +none$", line) for line in told)
    assert any(re.match(r"0\.0  no name +2\.0 ", line) for line in told)
    assert "one window has no intervals, so no head can earn a name: give a longer text" in told
