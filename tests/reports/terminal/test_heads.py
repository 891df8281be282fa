"""The table of heads on a terminal."""

import dataclasses
import re
from collections.abc import Callable
from itertools import pairwise

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import MEANINGS
from octavo.interpret.head_table import AttentionFraction, HeadTable
from octavo.reports.terminal.heads import WIDTH, head_lines
from octavo.system.statistics import Estimate

MakeTable = Callable[..., HeadTable]


def after(told: list[str], label: str) -> list[str]:
    """The lines of a head, and the one below each."""
    return [f"{line}\n{below}" for line, below in pairwise(told) if line.startswith(label)]


def test_figures_intervals_names_and_chance(make_table: MakeTable) -> None:
    table = make_table([{"previous": 0.8, "distance": 1.5}, {}], [{"cost": 0.25, "same": 0.9}])
    told = head_lines(table)
    share, spread, _ = after(told, "0.0  previous token")
    assert re.fullmatch(r"0\.0  previous token +80 +6 .*\n +79…81 +5…7 .*", share)
    assert re.match(r"0\.0  previous token +1\.5 +1\.5 … +1\.5 +2\.50 +2\.49 … 2\.51 .*\n0\.1", spread)
    assert any(re.search(r"earlier( +0\.250 +0\.240 … +0\.260){3}$", line) for line in told)
    assert any(re.fullmatch(r"uniform attention( +5){8} +1", line) for line in told)
    assert f"previous token: {MEANINGS['previous']}" in told
    layers = [told[i + 1][:3] for i, line in enumerate(told[:-1]) if line == "" and re.match(r"\d", told[i + 1])]
    assert layers == ["1.0"] * 3, "an empty line between layers, in all tables"


def test_an_interval_is_shown_as_it_is_however_skewed(make_table: MakeTable) -> None:
    """A cost of 0.02 whose interval lies above 0 must not look as if it did not."""
    table = make_table([{}])
    skewed = Estimate(6, 0.02, 0.003, 0.071)
    share = AttentionFraction(Estimate(6, 0.102, 0.099, 0.301), 0.05)
    head = dataclasses.replace(
        table.heads[0],
        ablation_costs=dict.fromkeys(ABLATIONS, skewed),
        target_fractions={kind.name: share for kind in TARGET_KINDS},
    )
    shares, _, costs = after(head_lines(dataclasses.replace(table, heads=(head,))), "0.0")
    assert re.match(r"0\.0  [a-z ]+( +0\.020 +0\.003 … 0\.071){3}", costs)
    assert re.match(r"0\.0  [a-z ]+( +10){8} +1\n( +9…31){8} +0…2", shares), "rounded outwards"


def test_numbers_line_up_within_the_width(make_table: MakeTable) -> None:
    full = {"previous": 1.0, "same": 1.0, "distance": 1000.0, "entropy": 12.0, "cost": -2.0}
    told = head_lines(make_table([full], [{}]))
    assert max(map(len, told)) <= WIDTH
    (share, intervals), *others = (row.split("\n") for row in after(told, "0.0"))
    assert "100" in share
    assert ends(r"\d+(?= |$)", share[5:]) == ends(r"\S+", intervals[5:])
    assert "-2.000  -2.010 … -1.990" in others[1][0]
    assert [ends(r"… \S+", row) for row, _ in others] == [[48, 73, 98]] * 2


def ends(pattern: str, line: str) -> list[int]:
    return [found.end() for found in re.finditer(pattern, line)]


def test_what_is_not_known_is_left_out(make_table: MakeTable) -> None:
    table = make_table([{}], without=["speaker"])
    one = Estimate(1, 2.0, None, None)
    heads = (dataclasses.replace(table.heads[0], distance=one, induction_random=None),)
    told = head_lines(dataclasses.replace(table, windows=1, heads=heads, bits_per_character=one))
    assert any(re.search(r" 6 +– +–$", line) for line in told)
    assert any(re.search(r"none +none$", line) for line in told)
    assert any(re.match(r"0\.0  no name +2\.0 +2\.50 ", line) for line in told)
    assert any(line.startswith("one window has no intervals") for line in told)
