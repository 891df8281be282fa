"""Positions and ticks of axes; the browser calculates what Python calculates."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from markupsafe import Markup

from octavo.reports.html import HtmlPart, make_page
from octavo.reports.html.axis import Axis, number, padded_range
from octavo.reports.html.panels import WINDOWS, smoothed

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

AXES = [(0, 1969, False), (1.6, 4.7, False), (0, 0.0105, False), (10, 56_010, True), (1e-7, 0.01, True), (2, 3, True)]
NUMBERS = [0, 0.1, 1 / 3, 123.456, 999.96, 1000, 1_234_567, 16e6, 3.1e-5, -2.5, 99_999.7, 0.00101, 0.9999]


def test_values_lie_in_proportion() -> None:
    axis = Axis(2, 4, 100, 0)
    assert [axis.position(value) for value in (2, 3, 4)] == [100, 50, 0]
    ratios = Axis(1, 100, 0, 60, log=True)
    assert [ratios.position(value) for value in (1, 10, 100)] == pytest.approx([0, 30, 60])


@pytest.mark.parametrize(("low", "high", "log"), AXES)
def test_ticks_are_few_round_and_within(low: float, high: float, log: bool) -> None:
    ticks = Axis(low, high, 0, 1, log).ticks(5)
    assert 2 <= len(ticks) <= 9
    assert all(low <= tick <= high * (1 + 1e-9) for tick in ticks)
    assert all(len(f"{tick:.3e}".split("e")[0].rstrip("0")) <= 3 for tick in ticks), "two digits are enough for each"


def test_a_value_is_written_with_four_digits() -> None:
    assert [number(value) for value in NUMBERS] == [
        *("0", "0.1", "0.3333", "123.5", "1,000", "1,000", "1.235 M", "16 M", "3.1e-5", "-2.5", "100,000"),
        *("0.00101", "0.9999"),
    ]


def test_an_axis_has_room_even_for_one_value() -> None:
    for low, high in ((1.0, 3.0), (2.0, 2.0), (0.0, 0.0)):
        for zero in (False, True):
            ends = padded_range(low, high, zero=zero)
            assert ends[0] <= low
            assert high < ends[1]
            assert not zero or ends[0] == 0


def test_smoothing_keeps_a_straight_line_and_the_mean_of_a_window() -> None:
    line = np.arange(20.0)
    assert smoothed(line, 9) == pytest.approx(line)
    spike = np.array([0.0, 0, 0, 9, 0, 0, 0])
    assert smoothed(spike, 3) == pytest.approx([0, 0, 3, 3, 3, 0, 0])
    assert smoothed(spike, 1) == pytest.approx(spike)


def test_the_browser_does_the_same(opened: Any) -> None:
    tab: Tab = opened(make_page("Axes", [HtmlPart(Markup(""), ("chart.js",))]))
    for low, high, log in AXES:
        values = np.linspace(low, high, 7)[1:].tolist()
        ticks, positions = tab.evaluate(
            """([low, high, log, values]) => {
                 const axis = octavo.chart.axis(low, high, 300, 20, log);
                 return [axis.ticks(5), values.map((value) => axis.position(value))];
               }""",
            [low, high, log, values],
        )
        axis = Axis(low, high, 300, 20, log)
        assert ticks == pytest.approx(axis.ticks(5))
        assert positions == pytest.approx([axis.position(value) for value in values])
    assert tab.evaluate("values => values.map(octavo.chart.number)", NUMBERS) == [number(value) for value in NUMBERS]
    noise = np.random.default_rng(0).standard_normal(60)
    for window in WINDOWS[:5]:
        found = tab.evaluate("([values, window]) => octavo.chart.smoothed(values, window)", [noise.tolist(), window])
        assert found == pytest.approx(smoothed(noise, window).tolist())
    for ends in ((1.0, 3.0), (0.0, 0.0)):
        for zero in (False, True):
            found = tab.evaluate("([ends, zero]) => octavo.chart.paddedRange(...ends, zero)", [ends, zero])
            assert found == pytest.approx(padded_range(*ends, zero=zero))
