"""The exponent by which the time per token scales with a size."""

import pytest

from octavo.bench.growth import GrowthAxis, bench_growth, scaling_exponent, scaling_note, with_width
from octavo.bench.measure import Measurement
from octavo.config import ModelConfig


def measured(*rates: float) -> Measurement:
    return Measurement("", "", 1, "tokens", "", rates)


def test_the_exponent_is_the_slope_of_logarithms() -> None:
    assert scaling_exponent([10, 100, 1000], [8, 0.8, 0.08]) == pytest.approx(1)
    assert scaling_exponent([1, 4, 16], [1, 2, 4]) == pytest.approx(-0.5)
    assert scaling_exponent([2, 4], [7, 7]) == pytest.approx(0)


def test_the_note_has_the_exponent_and_its_range_over_the_rounds() -> None:
    axis = GrowthAxis("training", "context", (1, 2), lambda n: pytest.fail("nothing is measured here"))
    note = scaling_note(axis, [measured(1, 1, 1), measured(0.5, 1, 0.25)])
    assert "context 1 to 2" in note
    assert "size^1.00 " in note
    assert "0.00 to 2.00 over the rounds" in note
    assert "size^-1.00 " in scaling_note(axis, [measured(1), measured(2)])
    assert "size^0.00 " in scaling_note(axis, [measured(1), measured(1.001)])


def test_a_wider_model_has_more_heads_of_the_same_size() -> None:
    wide = with_width(ModelConfig(), 256)
    assert (wide.d_model, wide.n_heads, wide.head_width, wide.d_ff) == (256, 8, 32, 800)


@pytest.mark.usefixtures("little")
def test_every_axis_is_measured() -> None:
    results = bench_growth(1, {})
    titles = [f"{activity}, by {name}" for activity, last in (("Training", "batch"), ("Generation", "texts"))
              for name in ("context", "width", last, "length of text")]  # fmt: skip
    assert [one.title for one in results] == titles
    assert [case.name for case in results[0].measurements] == ["context 8", "context 16"]
    assert all(len(one.notes) == 1 for one in results)
    assert {case.amount for case in results[6].measurements} == {4, 8}
