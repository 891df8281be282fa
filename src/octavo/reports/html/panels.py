"""The panels of the curves as they are drawn without script, and on paper: against steps, smoothed a little.

``static/curves.js`` draws the same from the same points, and again for every change of view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octavo.reports.html.axis import Axis, number, spread
from octavo.reports.html.series import BITS, KINDS, NATS, Points, Values

FALL = 0.05  # share of the steps in which losses fall from chance: as high an axis would press all the rest flat
MARKED = 40  # looks that get a mark each; more would hide their line
WINDOWS = (1, 3, 5, 9, 17, 33, 65, 129)  # points to smooth over: odd, so that one is in the middle
_SMOOTHED = 1 / 40  # of a run, about: the window of the first view
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 18, 8, 40  # pixels around what is drawn
_APART = 13  # pixels between labels, across and up

Drawn = Sequence[tuple[int, Points]]  # of which run, and what


@dataclass(frozen=True)
class Panel:
    """One picture of several that share what is across; `zero`: its axis begins there."""

    key: str
    title: str
    units: tuple[str, ...]
    zero: bool = True
    width: int = 360
    height: int = 230
    ticks: tuple[int, int] = (4, 4)  # about so many, across and up


PANELS = (
    Panel("loss", "Loss", (BITS, NATS), zero=False, width=720, height=360, ticks=(7, 6)),
    Panel("rate", "Learning rate", ("",)),
    Panel("gradient", "Length of the gradient", ("",)),
    Panel("speed", "Speed", ("tokens per second",)),
    Panel("weights", "Length of the weights", ("",)),
)


def picture(panel: Panel, drawn: Drawn, runs: int) -> dict[str, Any]:
    """What the template needs to draw a panel of so many `runs`, in the first of its units that is known."""
    unit = next(unit for unit in panel.units if any(unit in points.values for _, points in drawn))
    drawn = [(run, points) for run, points in drawn if unit in points.values]
    last = max(float(points.at["step"][-1]) for _, points in drawn)
    since = FALL if panel.key == "loss" else 0.0
    values = np.concatenate([_deciding(points, unit, since) for _, points in drawn])
    width, height = panel.width - _LEFT - _RIGHT, panel.height - _TOP - _BOTTOM
    across = Axis(0, last, 0, width)
    up = Axis(*spread(float(values.min()), float(values.max()), zero=panel.zero), height, 0)
    return {
        "panel": panel,
        "unit": unit,
        "left": _LEFT,
        "top": _TOP,
        "inner": (width, height),
        "across": [(round(across.place(tick), 1), number(tick)) for tick in across.ticks(panel.ticks[0])],
        "up": [(round(up.place(tick), 1), number(tick)) for tick in up.ticks(panel.ticks[1])],
        "lines": [line for run, points in drawn for line in _lines(run, points, unit, across, up)],
        "labels": _labels(drawn, unit, across, up) if runs > 1 else [],
        "words": _words(panel, drawn, unit, runs),
    }


def window_of(points: int) -> int:
    """How many of so many points the first view smooths over."""
    return max(window for window in WINDOWS if window <= 1 + points * _SMOOTHED)


def smoothed(values: Values, window: int) -> Values:
    """The mean of each point and its neighbours, `window` (odd) points in all, of fewer near the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    reach = np.minimum(np.minimum(at, len(values) - 1 - at), window // 2)
    means: Values = (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)
    return means


def _deciding(points: Points, unit: str, since: float) -> Values:
    """The values that must be within the picture: those after a share `since` of the steps."""
    steps = points.at["step"]
    values: Values = points.values[unit][:, steps >= since * steps[-1]].ravel()
    return values


def _lines(run: int, points: Points, unit: str, across: Axis, up: Axis) -> list[dict[str, Any]]:
    """The paths of a series: what was measured and over it the smoothed line, or looks with a mark each."""
    x = [round(across.place(at), 1) for at in points.at["step"]]
    mean, *edges = points.values[unit]
    line = {"run": run, "kind": points.kind, "raw": "", "marks": []}
    if not points.noisy:
        y = [round(up.place(value), 1) for value in mean]
        marks = list(zip(x, y, strict=True)) if points.panel == "loss" and len(x) <= MARKED else []
        return [line | {"path": _path(x, y), "marks": marks}]
    low, high = ([round(up.place(value), 1) for value in edge] for edge in edges)
    band = _path(x, low) + _path(x[::-1], high[::-1], begin="L") + "Z" if points.lines > 1 else _path(x, low)
    smooth = [round(up.place(value), 1) for value in smoothed(mean, window_of(len(mean)))]
    return [
        line | {"path": band, "raw": "raw" if points.lines > 1 else "raw open"},
        # One point alone makes no line.
        line | {"path": _path(x, smooth), "marks": list(zip(x, smooth, strict=True)) if len(x) == 1 else []},
    ]


def _path(x: Sequence[float], y: Sequence[float], begin: str = "M") -> str:
    return begin + "L".join(f"{a:g},{b:g}" for a, b in zip(x, y, strict=True))


def _labels(drawn: Drawn, unit: str, across: Axis, up: Axis) -> list[tuple[float, float, str]]:
    """The number of each run at the end of its line; none lies below the axis, or on another."""
    ends = {run: (across.place(p.at["step"][-1]), up.place(p.values[unit][0][-1])) for run, p in reversed(drawn)}
    labels: list[tuple[float, float, str]] = []
    for run, (x, end) in sorted(ends.items(), key=lambda one: -one[1][1]):
        y = min(end, up.start)
        for other_x, other_y, _ in labels:  # from the lowest up, as they are put
            if abs(other_x - x - 5) < _APART and other_y - y < _APART:
                y = other_y - _APART
        labels.append((round(x + 5, 1), round(y, 1), str(run + 1)))
    return labels


def _words(panel: Panel, drawn: Drawn, unit: str, runs: int) -> str:
    """The picture in words, for those who do not see it."""
    said = [f"{panel.title}{f', {unit}' if unit else ''}, against steps."]
    for run, points in drawn:
        whose = [f"run {run + 1}"] if runs > 1 else []
        what = ", ".join(whose + ([KINDS[points.kind]] if panel.key == "loss" else [])) or "It goes"
        first, last = points.values[unit][0][[0, -1]]
        said.append(f"{what}{':' if what != 'It goes' else ''} from {number(first)} to {number(last)}.")
    return " ".join(said)
