"""The head table as a figure: attention fractions, mean attention distance and ablation costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import TITLES, counted_windows, percent
from octavo.interpret.head_table import UNCLASSIFIED, AttentionFraction, Head, HeadTable
from octavo.reports.figures.files import drawable, make_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style
from octavo.reports.head_columns import ABLATION_TITLES, fraction_rows
from octavo.system.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.4  # inches
_COLUMN = 0.8  # inches
_DARK = 0.7  # fraction above which a cell is so dark that its letters are white
_COLOURS = {"zero": "#c2410c", "mean": "#1d4ed8", "first": "#0f766e"}
_FRAME = "#c2410c"


@in_own_style
def heads_figure(table: HeadTable, title: str = "") -> "Figure":
    """Return three panels with a row for each head.

    They have the attention fractions in percent above their 95 % intervals, with the one that gave the head its label
    framed; the mean attention distance; and the costs of ablation.
    """
    rows = len(table.heads)
    titles = [*(kind.title for kind in TARGET_KINDS), "induction, random"]
    prefix = f"{drawable(title)}: " if title else ""
    heading = f"{prefix}head table ({counted_windows(table)})"
    figure = make_figure(_COLUMN * len(titles) + 6.4, _ROW * (rows + 1) + 1.9, heading)
    fractions, distance, costs = figure.subplots(1, 3, sharey=True, width_ratios=(_COLUMN * len(titles), 1.4, 3.2))
    _draw_fractions(fractions, table, titles)
    _draw_distances(distance, table)
    _draw_costs(costs, table.heads)
    for axes in (fractions, distance, costs):
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        for border in np.cumsum([len(layer) for layer in table.layers]) - 0.5:  # of layers; uniform attention is last
            axes.axhline(border, color="#6b7885", lw=0.8)
    labels = [f"{TITLES[head.name]}   {head.label}" for head in table.heads]
    fractions.set_yticks(range(rows + 1), labels=[*labels, "uniform attention"], fontsize=8)
    fractions.set_ylim(rows + 0.5, -0.5)
    for label, head in zip(fractions.get_yticklabels(), table.heads, strict=False):
        label.set_fontweight("normal" if head.name == UNCLASSIFIED else "bold")
    return with_installed_fonts(figure, [title])


def _draw_fractions(axes: Any, table: HeadTable, titles: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    rows = fraction_rows(table)
    values = np.array([[np.nan if fraction is None else fraction.measured.mean for fraction in row] for row in rows])
    uniform = [fraction.uniform if fraction else np.nan for fraction in rows[0]]
    axes.imshow(np.vstack([values, uniform]), vmin=0, vmax=1, cmap="Blues", aspect="auto")
    names = [kind.name for kind in TARGET_KINDS]
    for y, (head, row) in enumerate(zip(table.heads, rows, strict=True)):
        for x, fraction in enumerate(row):
            _write_fraction(axes, x, y, fraction)
        if head.name in names:
            place = (names.index(head.name) - 0.47, y - 0.44)
            axes.add_patch(Rectangle(place, 0.94, 0.88, fill=False, ec=_FRAME, lw=1.8))
    for x, value in enumerate(uniform):
        _write_text(axes, x, len(rows), "–" if np.isnan(value) else f"{100 * value:.0f}", value)
    axes.set_xticks(range(len(titles)), labels=[title.replace(" ", "\n", 1) for title in titles], fontsize=8)
    axes.set_title("attention, %", fontsize=9)
    axes.xaxis.set_ticks_position("bottom")


def _write_fraction(axes: Any, x: int, y: int, fraction: AttentionFraction | None) -> None:
    if fraction is None:
        _write_text(axes, x, y, "–", 0.0)
        return
    text, interval = percent(fraction.measured)
    _write_text(axes, x, y - 0.15 * bool(interval), text, fraction.measured.mean)
    _write_text(axes, x, y + 0.24, interval, fraction.measured.mean, 6)


def _write_text(axes: Any, x: int, y: float, text: str, fraction: float, size: int = 8) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color="white" if fraction > _DARK else "black")


def _draw_distances(axes: Any, table: HeadTable) -> None:
    for y, head in enumerate(table.heads):
        _dot(axes, head.distance, y, "#1f2937", "o")
    axes.axvline(table.uniform_distance, color="#6b7885", lw=1, ls=":")
    axes.plot([table.uniform_distance], [len(table.heads)], "D", color="#6b7885", ms=4)
    axes.set(xlim=(0, None))
    axes.grid(axis="x", alpha=0.25)
    axes.set_title("distance, tokens", fontsize=9)
    axes.tick_params(labelsize=8)


def _draw_costs(axes: Any, heads: Sequence[Head]) -> None:
    for offset, (name, marker) in zip((-0.22, 0.0, 0.22), zip(ABLATIONS, "os^", strict=True), strict=True):
        for y, head in enumerate(heads):
            label = ABLATION_TITLES[name] if y == 0 else None
            _dot(axes, head.ablation_costs[name], y + offset, _COLOURS[name], marker, label)
    axes.axvline(0, color="#6b7885", lw=0.8)
    axes.grid(axis="x", alpha=0.25)
    axes.set_title("cost of ablation, bits per character", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, handletextpad=0)


def _dot(axes: Any, estimate: Estimate, y: float, colour: str, marker: str, label: str | None = None) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [y, y], color=colour, lw=1.4)
    axes.plot([estimate.mean], [y], marker, color=colour, ms=4, label=label, ls="none")
