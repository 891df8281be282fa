"""Ratios, medians and turns, measured with a fake clock."""

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from octavo.bench.measure import BenchCase, BenchComparison, Measurement, compare_cases
from octavo.system.progress import subrange


class Clock:
    """A clock that only cases advance."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, *seconds: float) -> Callable[[], None]:
        """Return work that takes these times in its turns; the first is the warm-up."""
        left = list(seconds)

        def run() -> None:
            self.now += left.pop(0)

        return run


def test_ratios_are_taken_round_by_round_and_the_ratio_is_their_median() -> None:
    clock = Clock()
    cases = [
        BenchCase("slow", "sums", 10, "sums", clock.work(99, 1, 2, 4), "one thread"),
        BenchCase("fast", "sums", 10, "sums", clock.work(99, 0.5, 0.5, 4)),
    ]
    found = compare_cases("sums", cases, rounds=3, notes=["a note"], clock=clock)
    slow, fast = found.measurements
    assert (slow.rates, fast.rates) == ((10, 5, 2.5), (20, 20, 2.5))
    assert (slow.median, slow.seconds, slow.note) == (5, 2, "one thread")
    assert found.ratios(fast) == (2, 4, 1)
    assert (found.ratio(slow), found.ratio(fast)) == (1, 2)
    assert found.ratios_by_case() == {"slow": (1, 1, 1), "fast": (2, 4, 1)}
    assert found.notes == ("a note",)


def test_the_cases_take_turns_after_each_has_warmed_up() -> None:
    turns: list[str] = []
    cases = [BenchCase(name, "nothing", 1, "times", partial(turns.append, name)) for name in "ab"]
    fractions: list[float] = []
    compare_cases("nothing", cases, rounds=2, watch=fractions.append, clock=count().__next__)
    assert turns == list("ababab")
    assert fractions == [n / 6 for n in range(6)]


def test_a_case_may_give_its_own_seconds() -> None:
    found = compare_cases("own", [BenchCase("own", "work", 3, "bits", lambda: 0.5)], rounds=2, clock=Clock())
    assert found.measurements[0].rates == (6, 6)


@pytest.mark.parametrize("other", [("a sum", "products"), ("a product", "sums")])
def test_different_work_is_refused(other: tuple[str, str]) -> None:
    cases = [BenchCase("one", "a sum", 1, "sums", lambda: 1.0), BenchCase("two", other[0], 1, other[1], lambda: 1.0)]
    with pytest.raises(ValueError, match=r"^title: .*a .*, in .*; a sum, in sums"):
        compare_cases("title", cases, rounds=1)


def test_plain_values() -> None:
    found = BenchComparison("title", (Measurement("one", "a sum", 4, "sums", "fp32", (1.0, 2.0, 4.0)),), ("a note",))
    assert found.to_dict() == {
        "title": "title",
        "notes": ["a note"],
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


def test_a_subrange_of_the_progress() -> None:
    fractions: list[float] = []
    part = subrange(fractions.append, 0.5, 0.75)
    part(0)
    part(1)
    assert fractions == [0.5, 0.75]
