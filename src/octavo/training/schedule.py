"""The budget of a run, and learning-rate schedules as pure functions of the fraction of it that is spent.

The budget is a number of steps, epochs or minutes. With minutes the schedule follows the clock, so its decay ends on
time whatever the speed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from octavo.config import ScheduleConfig, TrainConfig


def learning_rate_scale(config: ScheduleConfig, progress: float) -> float:
    """Return the factor of the peak learning rate at `progress`, 0 (start) to 1 (end of the budget)."""
    if progress < config.warmup:
        return progress / config.warmup
    return _AFTER_WARMUP[config.kind](config, min(progress, 1.0))


def has_decay_phase(config: ScheduleConfig) -> bool:
    """Return whether the learning rate stays at its peak and then falls, so that a longer run begins alike."""
    return config.kind == "trapezoid" and config.decay > 0 and config.final < 1


def _cosine(config: ScheduleConfig, progress: float) -> float:
    """Return half a cosine from 1 to `final` (Loshchilov & Hutter, 2017)."""
    fraction = (progress - config.warmup) / max(1.0 - config.warmup, 1e-12)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * fraction))


def _trapezoid(config: ScheduleConfig, progress: float) -> float:
    """Return 1, then a linear decay to `final` (warmup–stable–decay, WSD; Zhai et al., 2022)."""
    left = 1.0 - progress
    if left >= config.decay:
        return 1.0
    return config.final + (1 - config.final) * left / config.decay


_AFTER_WARMUP: dict[str, Callable[[ScheduleConfig, float], float]] = {
    "constant": lambda config, progress: 1.0,
    "cosine": _cosine,
    "trapezoid": _trapezoid,
}


@dataclass(frozen=True)
class Budget:
    """The length of a run. One of `steps` and `seconds` is set, the other is 0."""

    steps: int = 0
    seconds: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """Return the fraction of the budget, 0 to 1, that sets the learning rate of the step after `step` steps.

        With a budget of steps it is the middle of that step, so that neither the first nor the last step of a short
        run has a learning rate of 0. With seconds it is the step's beginning, because its duration is not known.
        """
        return (step + 0.5) / self.steps if self.steps else seconds / self.seconds

    def fraction_spent(self, step: int, seconds: float) -> float:
        """Return the fraction of the budget, 0 to 1, that `step` steps and `seconds` have spent."""
        return min(1.0, step / self.steps if self.steps else seconds / self.seconds)

    def spent(self, step: int, seconds: float) -> bool:
        """Return whether the budget is spent."""
        return self.fraction_spent(step, seconds) >= 1.0


def make_budget(config: TrainConfig, steps_per_epoch: float) -> Budget:
    """Return the budget of a config; epochs become steps, minutes become seconds."""
    if config.minutes:
        return Budget(seconds=config.minutes * 60)
    return Budget(steps=config.steps or math.ceil(config.epochs * steps_per_epoch))
