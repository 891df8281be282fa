"""How training went: loss, perplexity and bits per character against steps, epochs and seconds."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.evaluate import perplexity
from octavo.reports.figures.files import drawable, save_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style

FIGURE_AXES = {
    "steps": ("step", "step"),
    "epochs": ("epoch", "epoch"),
    "seconds": ("seconds", "seconds of training"),
}
_LABEL = {"validation": "held out", "train-slice": "set aside"}
_LINE = 170  # letters of a note
_TRAIN, _HELD_OUT = "#9aa5b1", "#c2410c"


def draw_curves(metrics: Sequence[Mapping[str, Any]], folder: Path, title: str, note: str = "") -> list[Path]:
    """Write a figure for each axis, as PNG and SVG, into `folder`; returns their paths.

    Raises:
        OctavoError: there is no line of metrics to draw.
    """
    figures = {name: curves_figure(metrics, title, name, note) for name in FIGURE_AXES}
    folder.mkdir(exist_ok=True)
    return [path for name, figure in figures.items() for path in save_figure(figure, folder / name, ("png", "svg"))]


@in_own_style
def curves_figure(metrics: Sequence[Mapping[str, Any]], title: str, axis: str = "steps", note: str = "") -> Any:
    """Loss, perplexity and bits per character against one of FIGURE_AXES; `note` is written below.

    Raises:
        OctavoError: there is no line of metrics to draw.
    """
    from matplotlib.figure import Figure

    steps = [event for event in metrics if event["event"] == "step"]
    validations = [event for event in metrics if event["event"] == "validation"]
    if not steps:
        raise OctavoError(f"{title} has no metrics yet: train it for at least a few steps")
    key, label = FIGURE_AXES[axis]

    panels: dict[str, Callable[[Mapping[str, Any]], float]] = {
        "loss, nats per token": lambda event: float(event["loss"]),
        "perplexity per token": lambda event: perplexity(event["loss"]),
        "bits per character": lambda event: float(event["nats_per_character"]) / math.log(2),
    }
    figure: Any = Figure(figsize=(11, 4.0 if note else 3.6), layout="constrained")
    figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    figure.supxlabel(textwrap.fill(drawable(" ".join(note.split())), _LINE), fontsize=8.5)
    for axes, (name, value) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        x, y = [e[key] for e in steps], [value(e) for e in steps]
        alone = "o" if len(steps) == 1 else None  # a line needs two points
        axes.plot(x, y, color=_TRAIN, lw=1, marker=alone, ms=3, label="training, with dropout")
        seen, y_seen = [e[key] for e in validations], [value(e) for e in validations]
        if validations:
            axes.plot(seen, y_seen, color=_HELD_OUT, lw=1.8, marker="o", ms=3, label=_LABEL[validations[-1]["part"]])
        axes.set(xlabel=label, ylabel=name, ylim=_limits(y + y_seen))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return with_installed_fonts(figure, [title, note])


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """What is worth seeing: the first steps, from chance down, would press all the rest flat."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.95 * (len(ordered) - 1))]
    margin = 0.06 * (high - low) or 0.5 * max(1.0, abs(high))
    return low - margin, high + margin
