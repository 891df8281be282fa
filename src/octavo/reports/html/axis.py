"""Axes: the position of a value, and the values of ticks. ``static/chart.js`` does the same in a browser, and a test
compares the two."""

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high`, drawn from `start` to `end` (pixels); `log`: equal ratios have equal lengths."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def position(self, value: float) -> float:
        """Return the position of a value, in pixels."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, target: int) -> list[float]:
        """Return round values within the axis, about `target` of them."""
        if self.log and self.high / self.low >= 8:
            return _log_ticks(self.low, self.high, target)
        step = _round_step((self.high - self.low) / target)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def _round_step(minimum: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `minimum`."""
    power = 10.0 ** math.floor(math.log10(minimum))
    return next(step * power for step in _STEPS if step * power >= minimum * (1 - 1e-9))


def _log_ticks(low: float, high: float, target: int) -> list[float]:
    """Return powers of ten, and 2 and 5 times these where there is room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = (1, 2, 5) if 3 * (last - first) <= 2 * target else (1,)
    every = max(1, math.ceil((last - first) / target))
    ticks = [digit * 10.0**power for power in range(first, last + 1, every) for digit in digits]
    return [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]


def padded_range(low: float, high: float, *, zero: bool = False) -> tuple[float, float]:
    """Return the ends of an axis for values from `low` to `high`: with a margin, and from 0 if `zero`."""
    if zero:
        return min(0.0, low), high * 1.05 or 1.0
    margin = 0.06 * (high - low) or 0.5 * max(abs(high), 1e-3)
    return low - margin, high + margin


def number(value: float) -> str:
    """Format a value of an axis or a table with four significant digits: 1,500, 2.5 M, 3e-5."""
    size = abs(value)
    if size >= 1e6:
        return f"{_plain(value / 1e6, 4)} M"
    if size and size < 1e-3:
        digits, power = f"{value:.3e}".split("e")
        return f"{_plain(float(digits), 4)}e{int(power)}"
    return f"{round(value):,}" if size >= 1000 else _plain(value, 4)


def _plain(value: float, digits: int) -> str:
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
