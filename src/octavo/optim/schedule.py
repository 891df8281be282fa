"""Learning-rate schedules: pure functions of the share of the budget that is spent.

The budget can be steps, epochs or minutes; with minutes the schedule follows the clock and still ends as planned.
"""

import math
from collections.abc import Callable

from octavo.config import ScheduleConfig


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
