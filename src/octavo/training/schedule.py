"""Learning-rate schedules: pure functions of the share of the budget that is spent.

The budget can be steps, epochs or minutes; with minutes the schedule follows the clock and still ends as planned.

How long a run goes on: a number of steps, or a number of seconds on the clock.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from octavo.config import ScheduleConfig, TrainConfig


def learning_rate_scale(config: ScheduleConfig, progress: float) -> float:
    """What to multiply the peak learning rate by at `progress`, 0 (start) … 1 (end of the budget)."""
    if progress < config.warmup:
        return progress / config.warmup
    return _AFTER_WARMUP[config.kind](config, min(progress, 1.0))


def _constant(config: ScheduleConfig, progress: float) -> float:
    return 1.0


def _cosine(config: ScheduleConfig, progress: float) -> float:
    """Half a cosine from 1 to `final` (Loshchilov & Hutter, 2017)."""
    share = (progress - config.warmup) / max(1.0 - config.warmup, 1e-12)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * share))


def _trapezoid(config: ScheduleConfig, progress: float) -> float:
    """Flat, then a straight line to `final` (warmup-stable-decay; Zhai et al., 2022)."""
    left = 1.0 - progress
    if left >= config.decay:
        return 1.0
    return config.final + (1 - config.final) * left / config.decay


_AFTER_WARMUP: dict[str, Callable[[ScheduleConfig, float], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "trapezoid": _trapezoid,
}


@dataclass(frozen=True)
class Budget:
    """One of `steps` and `seconds` is set, the other zero."""

    steps: int = 0
    seconds: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """The share spent, 0 … 1, that decides the learning rate of the step after `step` steps and `seconds`.

        Of a budget of steps it is the middle of that step, so that neither the first nor the last one of a
        short run is wasted on a rate of zero; on the clock nobody knows how long the step will be.
        """
        return (step + 0.5) / self.steps if self.steps else seconds / self.seconds

    def fraction_spent(self, step: int, seconds: float) -> float:
        """The share that `step` steps and `seconds` have spent, 0 … 1."""
        return min(1.0, step / self.steps if self.steps else seconds / self.seconds)

    def spent(self, step: int, seconds: float) -> bool:
        """Whether nothing is left."""
        return self.fraction_spent(step, seconds) >= 1.0


def make_budget(config: TrainConfig, steps_per_epoch: float) -> Budget:
    """The budget of a config: epochs become steps, minutes seconds."""
    if config.minutes:
        return Budget(seconds=config.minutes * 60)
    return Budget(steps=config.steps or math.ceil(config.epochs * steps_per_epoch))
