"""How the time of a token grows."""

import pytest

from octavo.bench.growth import Axis, bench_growth, scaling_exponent, scaling_note, with_width
from octavo.bench.measure import Measurement
from octavo.bench.request import NO_PEERS
from octavo.config import ModelConfig


def measured(*rates: float) -> Measurement:
    return Measurement("", "", 1, "tokens", "", rates)


def test_the_exponent_is_the_slope_of_logarithms() -> None:
    assert scaling_exponent([10, 100, 1000], [8, 0.8, 0.08]) == pytest.approx(1)
    assert scaling_exponent([1, 4, 16], [1, 2, 4]) == pytest.approx(-0.5)
    assert scaling_exponent([2, 4], [7, 7]) == pytest.approx(0)


def test_it_is_said_in_words_with_its_range_over_the_rounds() -> None:
    axis = Axis("training", "context", (1, 2), lambda n: pytest.fail("nothing is measured here"))
    said = scaling_note(axis, [measured(1, 1, 1), measured(0.5, 1, 0.25)])
    assert said.startswith("From context 1 to 2 the time of a token grows as the power 1.00 of it, by least squares ")
    assert "(0.00 to 2.00 over the rounds)" in said
    assert "falls as the power -1.00" in scaling_note(axis, [measured(1), measured(2)])
    assert "grows as the power 0.00" in scaling_note(axis, [measured(1), measured(1.001)])


def test_a_wider_model_is_wider_throughout() -> None:
    wide = with_width(ModelConfig(), 256)
    assert (wide.d_model, wide.n_heads, wide.head_width, wide.d_ff) == (256, 8, 32, 800)


@pytest.mark.usefixtures("little")
def test_every_axis_is_measured() -> None:
    found = bench_growth(1, NO_PEERS)
    titles = [f"{doing}, by {name}" for doing, last in (("Training", "batch"), ("Writing", "texts"))
              for name in ("context", "width", last, "length of text")]  # fmt: skip
    assert [one.title for one in found] == titles
    assert [case.name for case in found[0].measured] == ["context 8", "context 16"]
    assert all(len(one.notes) == 1 for one in found)
    assert {case.amount for case in found[6].measured} == {4, 8}
