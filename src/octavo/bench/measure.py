"""Cases measured side by side: in turn, round after round, so that what else the machine does meets all of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from octavo.system.progress import ProgressCallback, no_progress

Clock = Callable[[], float]


@dataclass(frozen=True)
class BenchCase:
    """One way to do some work. `run` does `amount` of it, in `unit`; or it times itself and gives its seconds."""

    name: str
    work: str  # what is done, and on what: cases with the same words are compared
    amount: float
    unit: str  # "steps", "tokens"
    run: Callable[[], float | None]
    note: str = ""  # precision, threads


@dataclass(frozen=True)
class Measurement:
    """What a case did a second, round by round."""

    name: str
    work: str
    amount: float  # a turn
    unit: str
    note: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle rate: one slow round moves it little."""
        return median(self.rates)

    @property
    def seconds(self) -> float:
        """How long a turn took, in the middle."""
        return self.amount / self.median

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"median": self.median, "seconds": self.seconds}


@dataclass(frozen=True)
class Comparison:
    """Cases that do the same work; the first is what others are compared with."""

    title: str
    measured: tuple[Measurement, ...]
    notes: tuple[str, ...] = ()  # what has to be said about it, each in a sentence

    def ratios(self, one: Measurement) -> tuple[float, ...]:
        """How many times as fast as the first, round by round: each ran both within seconds."""
        return tuple(mine / base for mine, base in zip(one.rates, self.measured[0].rates, strict=True))

    def ratio(self, one: Measurement) -> float:
        """How many times as fast as the first: the median over rounds."""
        return median(self.ratios(one))

    def ratios_by_case(self) -> dict[str, tuple[float, ...]]:
        """The ratios of every case, in their order."""
        return {one.name: self.ratios(one) for one in self.measured}

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        cases = [one.to_dict() | {"ratio": self.ratio(one), "ratios": self.ratios(one)} for one in self.measured]
        return {"title": self.title, "cases": cases, "notes": list(self.notes)}


def compare_cases(
    title: str,
    cases: Sequence[BenchCase],
    *,
    rounds: int,
    notes: Sequence[str] = (),
    watch: ProgressCallback = no_progress,
    clock: Clock = time.perf_counter,
) -> Comparison:
    """Warm every case up once, then run all of them in turn, `rounds` times.

    Raises:
        ValueError: the cases do unlike work, which no ratio can compare.
    """
    if len(works := sorted({f"{case.work}, in {case.unit}" for case in cases})) > 1:
        raise ValueError(f"{title}: these do unlike work: {'; '.join(works)}")
    rates: list[list[float]] = [[] for _ in cases]
    for turn in range(rounds + 1):
        for place, case in enumerate(cases):
            watch((turn * len(cases) + place) / ((rounds + 1) * len(cases)))
            seconds = _seconds(case, clock)
            if turn:  # the first warms up
                rates[place].append(case.amount / seconds)
    measured = (
        Measurement(case.name, case.work, case.amount, case.unit, case.note, tuple(found))
        for case, found in zip(cases, rates, strict=True)
    )
    return Comparison(title, tuple(measured), tuple(notes))


def _seconds(case: BenchCase, clock: Clock) -> float:
    began = clock()
    told = case.run()
    return clock() - began if told is None else told
