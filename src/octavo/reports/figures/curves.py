"""Training curves as figures: losses against steps, epochs and seconds."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from octavo.errors import OctavoError
from octavo.evaluate import perplexity
from octavo.reports.figures.files import drawable, make_figure, open_frames, save_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style
from octavo.reports.series import AXES, BITS, LABELS, NATS, TRAIN, TRAIN_SPLIT, Points, TrainingCurve, loss_points

FIGURE_AXES = {label.split()[0]: axis for axis, label in AXES.items() if axis != "tokens"}  # by the file's name
_PERPLEXITY = "perplexity per token"
_MAX_MARKED = 40  # points with a marker each; more would hide their line
_LINE = 150  # characters of a line of the note
_COLOURS = {TRAIN: "#7b8794", TRAIN_SPLIT: "#1d4ed8"}
_VALIDATION = "#c2410c"


def draw_curves(curve: TrainingCurve, folder: Path) -> list[Path]:
    """Write a figure for each axis, as PNG and SVG, into `folder`; return their paths.

    Raises:
        OctavoError: there is no line of metrics to draw.
    """
    figures = {name: curves_figure(curve, name) for name in FIGURE_AXES}
    folder.mkdir(exist_ok=True)
    return [path for name, figure in figures.items() for path in save_figure(figure, folder / name, ("png", "svg"))]


@in_own_style
def curves_figure(curve: TrainingCurve, axis: str = "steps") -> Any:
    """Return bits per character, nats per token and perplexity against one of FIGURE_AXES, with the note below.

    Raises:
        OctavoError: there is no line of metrics to draw.
    """
    losses = loss_points(curve)
    if not any(points.kind == TRAIN for points in losses):
        raise OctavoError(f"{curve.name} has no metrics yet: train it for at least a few steps")
    note = curve.note
    figure = make_figure(12, 4.8 if note else 4.2, drawable(curve.name))
    figure.supxlabel(textwrap.fill(drawable(" ".join(note.split())), _LINE), fontsize=8.5)
    panels: Any = figure.subplots(1, 3, width_ratios=(1.6, 1, 1))
    for axes, unit in zip(panels, (BITS, NATS, _PERPLEXITY), strict=True):
        drawn = [_draw(axes, points, axis, unit) for points in losses if unit in points.values or unit == _PERPLEXITY]
        axes.set(xlabel=AXES[FIGURE_AXES[axis]], ylabel=unit, ylim=_limits(np.concatenate(drawn)))
        axes.grid(alpha=0.25)
    open_frames(*panels)
    handles, labels = panels[1].get_legend_handles_labels()  # of nats per token, which every run has
    panels[0].legend(handles, labels, frameon=False, loc="upper right")
    return with_installed_fonts(figure, [curve.name, note])


def _draw(axes: Any, points: Points, axis: str, unit: str) -> Any:
    """Draw a line, and of points that combine several lines of metrics their range; return all values (3 · P,)."""
    x = points.at[FIGURE_AXES[axis]]
    values = np.vectorize(perplexity)(points.values[NATS]) if unit == _PERPLEXITY else points.values[unit]
    mean, low, high = values
    logged = points.kind == TRAIN
    marked = len(x) == 1 or (not logged and len(x) <= _MAX_MARKED)  # a line needs two points
    colour = _COLOURS.get(points.kind, _VALIDATION)
    style = {"color": colour, "lw": 1 if logged else 1.8, "ls": "--" if points.kind == TRAIN_SPLIT else "-"}
    axes.plot(x, mean, **style, marker="o" if marked else None, ms=3, label=LABELS[points.kind])
    if points.lines > 1:
        axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    return values.ravel()


def _limits(values: Iterable[float]) -> tuple[float, float]:
    """Return an axis that leaves out the highest 5 % of values: the first steps would press all others flat."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.95 * (len(ordered) - 1))]
    margin = 0.06 * (high - low) or 0.5 * max(1.0, abs(high))
    return low - margin, high + margin
