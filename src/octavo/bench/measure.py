"""Measure benchmark cases in turn, round after round, so that other load on the machine affects all of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from octavo.system.progress import ProgressCallback, no_progress, subrange

Clock = Callable[[], float]  # seconds


@dataclass(frozen=True)
class BenchCase:
    """One way to do some work. A call of `run` does `amount` of it, in `unit`.

    `run` may return the seconds that it took; if it returns None, the call is timed.
    """

    name: str
    work: str  # the operation and its data: only cases with the same text are compared
    amount: float
    unit: str  # "steps", "tokens"
    run: Callable[[], float | None]
    note: str = ""  # precision, threads


@dataclass(frozen=True)
class Measurement:
    """The rates of one case, in `unit` per second, one for each round."""

    name: str
    work: str
    amount: float  # per turn
    unit: str
    note: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median rate: a single slow round hardly changes it."""
        return median(self.rates)

    @property
    def seconds(self) -> float:
        """Return the seconds of a turn at the median rate."""
        return self.amount / self.median

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"median": self.median, "seconds": self.seconds}


@dataclass(frozen=True)
class BenchComparison:
    """Measurements of the same work; the first one is the reference of every ratio."""

    title: str
    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...] = ()  # sentences to be shown with the table

    def ratios(self, one: Measurement) -> tuple[float, ...]:
        """Return the speed-up over the first case in each round, in which both ran within seconds."""
        return tuple(rate / base for rate, base in zip(one.rates, self.measurements[0].rates, strict=True))

    def ratio(self, one: Measurement) -> float:
        """Return the median speed-up over the first case."""
        return median(self.ratios(one))

    def ratios_by_case(self) -> dict[str, tuple[float, ...]]:
        """Return the ratios of every case by its name, in order."""
        return {one.name: self.ratios(one) for one in self.measurements}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        cases = [one.to_dict() | {"ratio": self.ratio(one), "ratios": self.ratios(one)} for one in self.measurements]
        return {"title": self.title, "cases": cases, "notes": list(self.notes)}


def split_progress(watch: ProgressCallback, parts: int) -> list[ProgressCallback]:
    """Return the callbacks of equal parts of some work, one after the other."""
    return [subrange(watch, part / parts, (part + 1) / parts) for part in range(parts)]


def compare_cases(
    title: str,
    cases: Sequence[BenchCase],
    *,
    rounds: int,
    notes: Sequence[str] = (),
    watch: ProgressCallback = no_progress,
    clock: Clock = time.perf_counter,
) -> BenchComparison:
    """Run every case once to warm up, then run all cases in turn, `rounds` times.

    Raises:
        ValueError: the cases do different work, which no ratio can compare.
    """
    if len(works := sorted({f"{case.work}, in {case.unit}" for case in cases})) > 1:
        raise ValueError(f"{title}: the cases do different work: {'; '.join(works)}")
    rates: list[list[float]] = [[] for _ in cases]
    for turn in range(rounds + 1):
        for number, case in enumerate(cases):
            watch((turn * len(cases) + number) / ((rounds + 1) * len(cases)))
            began = clock()
            reported = case.run()
            seconds = clock() - began if reported is None else reported
            if turn:  # the first one warms up
                rates[number].append(case.amount / seconds)
    measurements = (
        Measurement(case.name, case.work, case.amount, case.unit, case.note, tuple(own))
        for case, own in zip(cases, rates, strict=True)
    )
    return BenchComparison(title, tuple(measurements), tuple(notes))
