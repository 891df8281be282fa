"""Means and bootstrap intervals, against numbers worked out by hand and against the truth."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import bootstrap, norm, t

from octavo.system.statistics import Estimate, estimate, expanded_confidence, ratio_estimates, ratio_standard_error


def exactly(numbers: list[float]) -> tuple[float, float]:
    """The interval from every resample there is, instead of from some thousand of them."""
    means = sorted(sum(drawn) / len(drawn) for drawn in itertools.product(numbers, repeat=len(numbers)))
    tail = (1 - expanded_confidence(len(numbers))) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def test_of_none_and_of_one() -> None:
    assert estimate([]) is None
    assert estimate([1.5]) == Estimate(1, 1.5, None, None)


def test_two_and_three_reach_from_the_smallest_to_the_largest() -> None:
    assert estimate([2.0, 1.0]) == Estimate(2, 1.5, 1.0, 2.0)
    found = estimate([3.0, 1.0, 2.0])
    assert found is not None
    assert [found.mean, found.low, found.high] == pytest.approx([2.0, 1.0, 3.0])


def test_equal_numbers_have_an_interval_of_no_width() -> None:
    assert estimate([1.25] * 4) == Estimate(4, 1.25, 1.25, 1.25)


@pytest.mark.parametrize("numbers", [[1.0, 2.0, 4.0, 8.0, 16.0], [1.51, 1.49, 1.5, 1.47, 1.56]])
def test_five_against_every_resample(numbers: list[float]) -> None:
    found = estimate(numbers)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    low, high = exactly(numbers)
    width = max(numbers) - min(numbers)
    assert found.low == pytest.approx(low, abs=0.03 * width)
    assert found.high == pytest.approx(high, abs=0.03 * width)
    assert min(numbers) < found.low < found.mean < found.high < max(numbers)


def test_the_same_numbers_give_the_same_interval() -> None:
    numbers = [1.0, 2.0, 4.0, 8.0, 16.0, 3.0]
    assert estimate(numbers) == estimate(numbers)


def test_the_confidence_is_expanded_as_students_t_is_wider_than_the_normal() -> None:
    z = math.sqrt(5 / 4) * t.ppf(0.975, 4)
    assert expanded_confidence(5) == pytest.approx(norm.cdf(z) - norm.cdf(-z))
    assert expanded_confidence(5) == pytest.approx(0.99809, abs=1e-5)
    assert expanded_confidence(2) == pytest.approx(1.0)
    assert 0.95 < expanded_confidence(1000) < 0.951


@pytest.mark.parametrize(("n", "at_least"), [(5, 0.88), (10, 0.9)])
def test_it_holds_the_true_mean_about_as_often_as_it_says(n: int, at_least: float) -> None:
    """Of five the plain percentile interval would do so in 83 of 100 cases, of ten in 90."""
    samples = np.random.default_rng(3).normal(7.0, 2.0, (400, n))
    found = [estimate(sample.tolist()) for sample in samples]
    holds = [e.low <= 7.0 <= e.high for e in found if e and e.low is not None and e.high is not None]
    assert len(holds) == 400
    assert at_least <= sum(holds) / 400 <= 0.98


class TestRatios:
    def test_of_equal_bottoms_it_is_the_interval_of_the_mean(self) -> None:
        numbers = np.random.default_rng(1).normal(3.0, 1.0, 40)
        (found,) = ratio_estimates(2 * numbers[None], np.full((1, 40), 2.0))
        mean = estimate(numbers.tolist())
        assert found is not None
        assert mean is not None
        assert [found.n, found.mean] == pytest.approx([40, mean.mean])
        assert [found.low, found.high] == pytest.approx([mean.low, mean.high], abs=0.02)

    def test_against_scipy(self) -> None:
        random = np.random.default_rng(2)
        bottoms = random.integers(1, 9, 30).astype(float)
        tops = bottoms * random.random(30)
        (found,) = ratio_estimates(tops[None], bottoms[None])
        low, high = bootstrap(
            (tops, bottoms),
            lambda top, bottom, axis: top.sum(axis) / bottom.sum(axis),
            paired=True,
            vectorized=True,
            method="percentile",
            confidence_level=expanded_confidence(30),
            rng=random,
        ).confidence_interval
        assert found is not None
        assert found.mean == pytest.approx(tops.sum() / bottoms.sum())
        assert [found.low, found.high] == pytest.approx([low, high], abs=0.005)

    def test_units_that_have_nothing_to_say_do_not_count(self) -> None:
        tops = np.array([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0] * 4])
        bottoms = np.array([[4.0, 4.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0], [0.0] * 4])
        two, one, none = ratio_estimates(tops, bottoms)
        assert two is not None
        assert [two.n, two.mean, two.low, two.high] == pytest.approx([2, 0.375, 0.25, 0.5])
        assert one == Estimate(1, 0.75, None, None)
        assert none is None

    def test_a_single_unit_has_no_interval(self) -> None:
        assert ratio_estimates(np.array([[1.0]]), np.array([[4.0]])) == [Estimate(1, 0.25, None, None)]


def test_the_error_of_a_ratio_is_cochrans() -> None:
    """Residuals -1 and 1 of two blocks of 1: the root of 2 / 1 · 2, over a total size of 2."""
    assert ratio_standard_error(np.array([1.0, 3.0]), np.ones(2), 2.0) == 1.0
    assert ratio_standard_error(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), 2.0) == 0.0
