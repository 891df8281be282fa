"""A name has to be earned: by an interval that lies above both thresholds, of a head that matters."""

from collections.abc import Callable, Mapping

import pytest

from octavo.interpret.head_table import (
    INERT,
    INERT_COST,
    MIN_FRACTION,
    MIN_WINDOWS,
    UNCLASSIFIED,
    UNIFORM,
    AttentionFraction,
    HeadTable,
    classify_head,
)
from octavo.system.statistics import Estimate


def share(low: float | None, mean: float, even: float = 0.05, n: int = 64) -> AttentionFraction:
    return AttentionFraction(Estimate(n, mean, low, None if low is None else 2 * mean - low), even)


def name(
    shares: Mapping[str, AttentionFraction],
    random: AttentionFraction | None = None,
    from_even: tuple[float, float] = (0.5, 0.6),
    cost: tuple[float, float] = (0.1, 0.2),
    n: int = 64,
) -> str:
    far, costs = Estimate(n, sum(from_even) / 2, *from_even), Estimate(n, sum(cost) / 2, *cost)
    return classify_head(shares, random, far, {"zero": costs, "mean": costs, "first": costs})


@pytest.mark.parametrize(
    ("low", "even", "n", "earned"),
    [
        (MIN_FRACTION + 0.01, 0.05, 64, True),
        (MIN_FRACTION - 0.01, 0.05, 64, False),
        (0.45, 0.23, 64, False),
        (0.45, 0.22, 64, True),
        (0.9, 0.05, MIN_WINDOWS, True),
        (0.9, 0.05, MIN_WINDOWS - 1, False),
        (None, 0.05, 1, False),
    ],
)
def test_the_whole_interval_lies_above_the_floor_and_above_twice_chance(
    low: float | None, even: float, n: int, earned: bool
) -> None:
    assert name({"previous": share(low, 0.95, even, n)}) == ("previous" if earned else UNCLASSIFIED)


def test_the_greatest_excess_over_chance_gives_the_name() -> None:
    assert name({"first": share(0.5, 0.6, 0.2), "line": share(0.48, 0.55, 0.05), "itself": share(0.3, 0.9)}) == "line"


def test_induction_has_to_hold_on_random_tokens_too() -> None:
    shares = {"induction": share(0.7, 0.8), "line": share(0.4, 0.5)}
    assert name(shares, share(0.6, 0.7)) == "induction"
    assert name(shares, share(0.1, 0.2)) == name(shares, None) == "line"


def test_a_head_that_looks_at_all_alike_is_even_whatever_it_costs() -> None:
    assert name({"punctuation": share(0.9, 0.95)}, from_even=(0.0, 0.04)) == UNIFORM
    assert name({}, from_even=(0.0, 0.06)) == UNCLASSIFIED
    assert name({}, from_even=(0.0, 0.04), n=MIN_WINDOWS - 1) == UNCLASSIFIED


@pytest.mark.parametrize(
    ("cost", "unused"),
    [((-0.001, 0.002), True), ((0.001, 0.002), True), ((-0.02, 0.02), False), ((0.001, INERT_COST), False)],
)
def test_a_head_is_unused_if_its_removals_are_seen_to_cost_nothing(cost: tuple[float, float], unused: bool) -> None:
    """A wide interval about zero shows nothing of the kind."""
    assert name({"previous": share(0.9, 0.95)}, cost=cost) == (INERT if unused else "previous")


def test_one_removal_that_costs_is_use() -> None:
    free, dear = Estimate(64, 0.0, -0.001, 0.001), Estimate(64, 0.1, 0.09, 0.11)
    removal = {"zero": free, "mean": free, "first": dear}
    assert classify_head({}, None, Estimate(64, 0.5, 0.4, 0.6), removal) == UNCLASSIFIED


def test_the_table_names_its_heads(make_table: Callable[..., HeadTable]) -> None:
    table = make_table([{"previous": 0.8}, {"from_even": 0.0}], [{"cost": -0.02, "line": 0.5}, {}])
    assert [head.name for head in table.heads] == ["previous", UNIFORM, "line", UNCLASSIFIED]
