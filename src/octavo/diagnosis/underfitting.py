"""Underfitting: the loss was still falling when the budget ended, and an estimate of what more would bring.

Over a stretch of training at one learning rate the loss falls about linearly with the logarithm of the step, or
slower. Where the schedule lowers the rate towards the end, a budget twice as long lengthens the stretch before by as
much, so the slope there is what counts; the fall of the rate adds its share to both.
"""

import math
from collections.abc import Sequence

from octavo.config import ScheduleConfig
from octavo.diagnosis.case import Case, Look
from octavo.diagnosis.finding import Finding

_FROM = 0.2  # share of the budget: before, the curve is steeper than what follows
_FEWEST = 6  # looks
_WORTH = 0.02  # nats per token
_CLEAR = 2.0  # standard errors from zero, or the looks say nothing


def underfitting(case: Case) -> Finding | None:
    """What twice the budget would bring, if that is worth having; of a run that came to its budget's end."""
    if not case.ended:
        return None
    last, end = (case.looks[-1].step if case.looks else 0), _flat_until(case.config.schedule)
    looks = [look for look in case.looks if _FROM <= look.step / last <= end]
    if len(looks) < _FEWEST:
        return None
    middle = len(looks) // 2
    (before, _), (slope, error) = _fall(looks[: middle + 1]), _fall(looks[middle:])
    flattens = min(1.0, slope / before) if before > 0 else 1.0  # goes on doing so
    gain = slope * flattens * math.log(2)
    if gain < _WORTH or slope < _CLEAR * error:
        return None
    per_character = gain * case.tokens_per_character
    return Finding(
        "underfitting",
        "note",
        f"{case.part} loss was still falling when the budget ended; an extrapolation says that twice the budget "
        f"would bring about {per_character:.3f} nats a character (an estimate, from the slope of {len(looks)} looks "
        "against the logarithm of the step)",
        "train longer, if that is worth it",
        {"gain_nats_per_token": gain, "gain_nats_per_character": per_character},
    )


def _flat_until(schedule: ScheduleConfig) -> float:
    """The share of the budget up to which the learning rate is about the same as a longer run's."""
    return {"constant": 1.0, "trapezoid": 1.0 - schedule.decay, "cosine": 0.6}[schedule.kind]


def _fall(looks: Sequence[Look]) -> tuple[float, float]:
    """Loss lost for each e-fold of steps: by least squares, with its standard error."""
    x, y = [math.log(look.step) for look in looks], [look.loss for look in looks]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    rest = sum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    return -slope, math.sqrt(rest / max(1, len(looks) - 2) / spread)
