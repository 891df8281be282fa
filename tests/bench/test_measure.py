"""Ratios, medians and turns, by a clock that does as it is told."""

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from octavo.bench.measure import BenchCase, Comparison, Measurement, compare_cases
from octavo.system.progress import subrange


class Clock:
    """Stands still but for what a case takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def taking(self, *seconds: float) -> Callable[[], None]:
        """A case that takes so long in its turns; the first is the one that warms up."""
        left = list(seconds)

        def run() -> None:
            self.now += left.pop(0)

        return run


def test_ratios_are_taken_round_by_round_and_their_median_is_told() -> None:
    clock = Clock()
    cases = [
        BenchCase("slow", "sums", 10, "sums", clock.taking(99, 1, 2, 4), "one thread"),
        BenchCase("fast", "sums", 10, "sums", clock.taking(99, 0.5, 0.5, 4)),
    ]
    found = compare_cases("sums", cases, rounds=3, notes=["as told"], clock=clock)
    slow, fast = found.measured
    assert (slow.rates, fast.rates) == ((10, 5, 2.5), (20, 20, 2.5))
    assert (slow.median, slow.seconds, slow.note) == (5, 2, "one thread")
    assert found.ratios(fast) == (2, 4, 1)
    assert (found.ratio(slow), found.ratio(fast)) == (1, 2)
    assert found.ratios_by_case() == {"slow": (1, 1, 1), "fast": (2, 4, 1)}
    assert found.notes == ("as told",)


def test_the_cases_take_turns_after_each_has_warmed_up() -> None:
    turns: list[str] = []
    cases = [BenchCase(name, "nothing", 1, "times", partial(turns.append, name)) for name in "ab"]
    shares: list[float] = []
    compare_cases("nothing", cases, rounds=2, watch=shares.append, clock=count().__next__)
    assert turns == list("ababab")
    assert shares == [n / 6 for n in range(6)]


def test_a_case_may_give_its_own_seconds() -> None:
    found = compare_cases("own", [BenchCase("own", "work", 3, "bits", lambda: 0.5)], rounds=2, clock=Clock())
    assert found.measured[0].rates == (6, 6)


@pytest.mark.parametrize("other", [("a sum", "products"), ("a product", "sums")])
def test_unlike_work_is_refused(other: tuple[str, str]) -> None:
    cases = [BenchCase("one", "a sum", 1, "sums", lambda: 1.0), BenchCase("two", other[0], 1, other[1], lambda: 1.0)]
    with pytest.raises(ValueError, match=r"title: these do unlike work: a .*, in .*; a sum, in sums"):
        compare_cases("title", cases, rounds=1)


def test_plain_values() -> None:
    found = Comparison("title", (Measurement("one", "a sum", 4, "sums", "fp32", (1.0, 2.0, 4.0)),), ("said",))
    assert found.to_dict() == {
        "title": "title",
        "notes": ["said"],
        "cases": [
            {
                "name": "one",
                "work": "a sum",
                "amount": 4,
                "unit": "sums",
                "note": "fp32",
                "rates": (1.0, 2.0, 4.0),
                "median": 2.0,
                "seconds": 2.0,
                "ratio": 1.0,
                "ratios": (1.0, 1.0, 1.0),
            }
        ],
    }


def test_a_part_of_the_work_is_told_as_a_part_of_all() -> None:
    shares: list[float] = []
    part = subrange(shares.append, 0.5, 0.75)
    part(0)
    part(1)
    assert shares == [0.5, 0.75]
