"""Schedules rise, hold and fall as their config says, without a jump."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.config import ScheduleConfig
from octavo.training.schedule import Budget, EarlyDecay, early_decay, learning_rate_scale

SCHEDULES = [
    ScheduleConfig(kind=kind, warmup=warmup, decay=0.4, final=final)
    for kind in ("constant", "cosine", "trapezoid")
    for warmup in (0.0, 0.1)
    for final in (0.0, 0.25)
]


def points(config: ScheduleConfig, *places: float) -> list[float]:
    return [learning_rate_scale(config, place) for place in places]


def test_constant() -> None:
    config = ScheduleConfig(kind="constant", warmup=0.1, final=0.5)
    assert points(config, 0, 0.025, 0.05, 0.1, 0.5, 1) == pytest.approx([0, 0.25, 0.5, 1, 1, 1])
    assert points(ScheduleConfig(kind="constant", warmup=0.0), 0, 0.5, 1) == [1, 1, 1]


def test_cosine() -> None:
    config = ScheduleConfig(kind="cosine", warmup=0.2, final=0.1)
    quarter = 0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2
    assert points(config, 0, 0.1, 0.2, 0.4, 0.6, 1) == pytest.approx([0, 0.5, 1, quarter, 0.55, 0.1])
    assert points(ScheduleConfig(kind="cosine", warmup=0.0), 0, 0.5, 1) == pytest.approx([1, 0.5, 0])
    assert points(ScheduleConfig(kind="cosine", warmup=1.0), 0, 0.5, 1) == pytest.approx([0, 0.5, 1])


def test_trapezoid() -> None:
    config = ScheduleConfig(kind="trapezoid", warmup=0.2, decay=0.4, final=0.1)
    assert points(config, 0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1) == pytest.approx([0, 0.5, 1, 1, 1, 0.55, 0.325, 0.1])
    assert points(ScheduleConfig(kind="trapezoid", warmup=0.0, decay=0.0), 0, 0.5, 1) == [1, 1, 1]
    assert points(ScheduleConfig(kind="trapezoid", warmup=0.5, decay=0.5), 0.25, 0.5, 0.75, 1) == [0.5, 1, 0.5, 0]


class TestEarlyDecay:
    CONFIG = ScheduleConfig(warmup=0.0, decay=0.4, final=0.1)

    def test_before_the_decay_it_is_as_long_as_for_a_run_that_was_best_there(self) -> None:
        budget = Budget(steps=1000)
        decay = early_decay(self.CONFIG, budget, (300, 1.0), (400, 2.0))
        assert decay == EarlyDecay(400, 300, 0.6, 400, 200)
        rates = [learning_rate_scale(self.CONFIG, decay.progress(budget, step, 0.0)) for step in (400, 500, 599)]
        assert rates == pytest.approx([1 - 0.9 * 0.5 / 200, 0.55 - 0.9 * 0.5 / 200, 0.1 + 0.9 * 0.5 / 200])
        assert [decay.over(budget, step, 0.0) for step in (599, 600)] == [False, True]

    def test_within_the_decay_it_goes_on_from_its_rate_in_what_is_left(self) -> None:
        budget = Budget(steps=1000)
        decay = early_decay(self.CONFIG, budget, (800, 1.0), (900, 2.0))
        assert decay == EarlyDecay(900, 800, 0.8, 900, 100)
        assert learning_rate_scale(self.CONFIG, decay.progress(budget, 900, 0.0)) == pytest.approx(0.55, abs=0.005)

    def test_by_the_clock(self) -> None:
        budget = Budget(seconds=100.0)
        decay = early_decay(self.CONFIG, budget, (300, 30.0), (400, 40.0))
        assert decay is not None
        assert (decay.since, decay.length) == pytest.approx((40, 20))
        assert decay.progress(budget, 450, 50.0) == pytest.approx(0.8)

    @pytest.mark.parametrize(
        ("config", "now"),
        [
            (ScheduleConfig(kind="constant"), 400),
            (ScheduleConfig(kind="cosine"), 400),
            (ScheduleConfig(decay=0.0), 400),
            (ScheduleConfig(final=1.0), 400),
            (CONFIG, 1000),
        ],
    )
    def test_there_may_be_none(self, config: ScheduleConfig, now: int) -> None:
        assert early_decay(config, Budget(steps=1000), (300, 1.0), (now, 2.0)) is None


@pytest.mark.parametrize("config", SCHEDULES, ids=str)
def test_past_the_budget_it_stays_where_it_ended(config: ScheduleConfig) -> None:
    assert learning_rate_scale(config, 1.5) == learning_rate_scale(config, 1.0)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.sampled_from(SCHEDULES))
def test_there_is_no_jump(config: ScheduleConfig) -> None:
    values = points(config, *(i / 2000 for i in range(2001)))
    assert all(abs(b - a) <= 1 / 2000 / 0.1 + 1e-9 for a, b in pairwise(values))
    assert all(0 <= value <= 1 for value in values)
    after = values[int(2000 * config.warmup) + 1 :]
    assert all(b <= a for a, b in pairwise(after))
