"""The panels of the training curves as drawn without script and on paper: against steps, smoothed a little.

``static/curves.js`` draws the same from the same points, and again for every change of the view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octavo.reports.html.axis import Axis, number, padded_range
from octavo.reports.series import BITS, LABELS, NATS, Points, Values

# The fraction of the steps in which the loss falls from the uniform baseline. An axis that reaches up to them would
# press all other values flat.
INITIAL_FALL = 0.05
MAX_MARKED = 40  # validation points that get a mark each; more would hide their line
WINDOWS = (1, 3, 5, 9, 17, 33, 65, 129)  # points of a running mean: odd, so that one is in the middle
_INITIAL_WINDOW = 1 / 40  # of a run, about, at first
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 18, 8, 40  # pixels around the plotting area
_LABEL_GAP = 13  # pixels between labels, horizontally and vertically

Series = Sequence[tuple[int, Points]]  # the number of a run, and points of it


@dataclass(frozen=True)
class Panel:
    """One of several plots that share their horizontal axis; `zero`: the vertical axis begins at 0."""

    key: str
    title: str
    units: tuple[str, ...]
    zero: bool = True
    width: int = 360
    height: int = 230
    ticks: tuple[int, int] = (4, 4)  # about as many, horizontally and vertically


PANELS = (
    Panel("loss", "Loss", (BITS, NATS), zero=False, width=720, height=360, ticks=(7, 6)),
    Panel("rate", "Learning rate", ("",)),
    Panel("gradient", "Gradient norm", ("",)),
    Panel("speed", "Speed", ("tokens per second",)),
    Panel("weights", "Weight norm", ("",)),
)


def draw_panel(panel: Panel, drawn: Series, runs: int) -> dict[str, Any]:
    """Return the values from which the template draws a panel of so many runs, in the first unit that is known."""
    unit = next(unit for unit in panel.units if any(unit in points.values for _, points in drawn))
    drawn = [(run, points) for run, points in drawn if unit in points.values]
    last = max(float(points.at["step"][-1]) for _, points in drawn)
    since = INITIAL_FALL if panel.key == "loss" else 0.0
    values = np.concatenate([_ranging(points, unit, since) for _, points in drawn])
    width, height = panel.width - _LEFT - _RIGHT, panel.height - _TOP - _BOTTOM
    across = Axis(0, last, 0, width)
    up = Axis(*padded_range(float(values.min()), float(values.max()), zero=panel.zero), height, 0)
    return {
        "panel": panel,
        "unit": unit,
        "left": _LEFT,
        "top": _TOP,
        "inner": (width, height),
        "across": [(round(across.position(tick), 1), number(tick)) for tick in across.ticks(panel.ticks[0])],
        "up": [(round(up.position(tick), 1), number(tick)) for tick in up.ticks(panel.ticks[1])],
        "lines": [line for run, points in drawn for line in _lines(run, points, unit, across, up)],
        "labels": _labels(drawn, unit, across, up) if runs > 1 else [],
        "description": _description(panel, drawn, unit, runs),
    }


def initial_window(points: int) -> int:
    """Return the window of the running mean over `points` points in the first view."""
    return max(window for window in WINDOWS if window <= 1 + points * _INITIAL_WINDOW)


def smoothed(values: Values, window: int) -> Values:
    """Return the mean of each point and its neighbours: `window` (odd) points, fewer near the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    reach = np.minimum(np.minimum(at, len(values) - 1 - at), window // 2)
    means: Values = (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)
    return means


def _ranging(points: Points, unit: str, since: float) -> Values:
    """Return the values that must be within the panel: those after the fraction `since` of the steps."""
    steps = points.at["step"]
    values: Values = points.values[unit][:, steps >= since * steps[-1]].ravel()
    return values


def _lines(run: int, points: Points, unit: str, across: Axis, up: Axis) -> list[dict[str, Any]]:
    """Return the paths of a series: logged values and above them their running mean, or marked validation points."""
    x = [round(across.position(at), 1) for at in points.at["step"]]
    mean, *edges = points.values[unit]
    line = {"run": run, "kind": points.kind, "raw": "", "marks": []}
    if not points.noisy:
        y = [round(up.position(value), 1) for value in mean]
        marks = list(zip(x, y, strict=True)) if points.panel == "loss" and len(x) <= MAX_MARKED else []
        return [line | {"path": _path(x, y), "marks": marks}]
    low, high = ([round(up.position(value), 1) for value in edge] for edge in edges)
    band = _path(x, low) + _path(x[::-1], high[::-1], begin="L") + "Z" if points.lines > 1 else _path(x, low)
    smooth = [round(up.position(value), 1) for value in smoothed(mean, initial_window(len(mean)))]
    return [
        line | {"path": band, "raw": "raw" if points.lines > 1 else "raw open"},
        # One point alone makes no line.
        line | {"path": _path(x, smooth), "marks": list(zip(x, smooth, strict=True)) if len(x) == 1 else []},
    ]


def _path(x: Sequence[float], y: Sequence[float], begin: str = "M") -> str:
    return begin + "L".join(f"{a:g},{b:g}" for a, b in zip(x, y, strict=True))


def _labels(drawn: Series, unit: str, across: Axis, up: Axis) -> list[tuple[float, float, str]]:
    """Return the number of each run at the end of its line; no label is below the axis or on another label."""
    ends = {
        run: (across.position(p.at["step"][-1]), up.position(p.values[unit][0][-1])) for run, p in reversed(drawn)
    }
    labels: list[tuple[float, float, str]] = []
    for run, (x, end) in sorted(ends.items(), key=lambda one: -one[1][1]):
        y = min(end, up.start)
        for other_x, other_y, _ in labels:  # from the lowest up, as they are put
            if abs(other_x - x - 5) < _LABEL_GAP and other_y - y < _LABEL_GAP:
                y = other_y - _LABEL_GAP
        labels.append((round(x + 5, 1), round(y, 1), str(run + 1)))
    return labels


def _description(panel: Panel, drawn: Series, unit: str, runs: int) -> str:
    """Describe a panel in words, for users who cannot see it."""
    sentences = [f"{panel.title}{f', {unit}' if unit else ''}, against steps."]
    for run, points in drawn:
        names = [f"run {run + 1}"] * (runs > 1) + [LABELS[points.kind]] * (panel.key == "loss")
        first, last = points.values[unit][0][[0, -1]]
        sentences.append(f"{', '.join(names) or 'value'}: from {number(first)} to {number(last)}.")
    return " ".join(sentences)
