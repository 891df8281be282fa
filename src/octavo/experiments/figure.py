"""One figure of an experiment: every seed, the means with their intervals, and the differences to the base."""

import math
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec
from octavo.reports.figures.files import drawable, save_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style
from octavo.system.statistics import Estimate

_INK, _SEED = "black", "#7a7a7a"  # told apart by shape and by grey, so that print without colour shows all
_WIDEST_NAME = 26  # letters of a line
_FAR = 0.75  # of the median, away from it: a number at the edge, or else all others would be one dot
_MARKERS = "osD^vPX*<>"
_LINES = ("-", "--", ":", "-.")
_SCORE = "nats_per_character"


def draw_experiment(
    spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary], folder: Path
) -> list[Path]:
    """Write ``figure.png`` and ``figure.svg`` into `folder`; returns their paths, none if nothing is scored."""
    if not any(variant.scored for variant in summary):
        return []
    return save_figure(_figure(spec, rows, summary), folder / "figure", ("png", "svg"))


@in_own_style
def _figure(spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> Any:
    from matplotlib.figure import Figure

    names = [_label(variant) for variant in summary]
    widths = [4.6, *([3.4] if len(summary) > 1 else []), *([5.2] if spec.contexts else [])]
    lines = max(name.count("\n") + 1 for name in names)
    height = max(3.0, 1.5 + len(names) * max(0.36, 0.2 * lines))  # inches
    figure: Any = Figure(figsize=(sum(widths), height), layout="constrained")
    title = drawable(" ".join(spec.title.split()))
    figure.suptitle(textwrap.fill(title, int(sum(widths) * 11)), fontsize=11, parse_math=False)
    axes = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for draw, ax in zip((_draw_scores, _draw_differences)[: min(2, len(summary))], axes, strict=False):
        draw(ax, spec, rows, summary)
        ax.set_ylim(len(summary) - 0.4, -0.6)  # the first variant on top
        ax.set_yticks(range(len(summary)), names if ax is axes[0] else [""] * len(names), parse_math=False)
        ax.tick_params(axis="y", length=0)
        ax.locator_params(axis="x", nbins=5)
        ax.grid(axis="x", alpha=0.25)
    if spec.contexts:
        _draw_contexts(axes[-1], spec, summary)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return with_installed_fonts(figure, [spec.title, *(variant.variant for variant in summary)])


def _label(variant: VariantSummary) -> str:
    failed = f"\n({variant.failed} of {variant.planned} failed)" if variant.failed else ""
    return textwrap.fill(drawable(variant.variant), _WIDEST_NAME) + failed


def _draw_scores(axes: Any, spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> None:
    scored = {
        v.variant: [float(r.nats_per_character or 0) for r in rows if r.variant == v.variant and r.scored]
        for v in summary
    }
    _draw_estimates(axes, [(v.figures.get(_SCORE), scored[v.variant]) for v in summary], _far(summary))
    axes.set_xlabel("nats per character, held out")
    nats = math.log(2)
    bits = axes.secondary_xaxis("top", functions=(lambda x: x / nats, lambda x: x * nats))
    bits.set_xlabel("bits per character")
    bits.locator_params(axis="x", nbins=5)


def _draw_differences(axes: Any, spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> None:
    axes.axvline(0, color=_INK, lw=0.8, ls=":")
    scores = {(row.variant, row.seed): row.nats_per_character for row in rows}
    seeds = [
        [
            own - base
            for seed in spec.seeds
            if (own := scores.get((variant.variant, seed))) is not None
            and (base := scores.get((spec.base, seed))) is not None
        ]
        for variant in summary
    ]
    lines = [(variant.differences.get(_SCORE), each) for variant, each in zip(summary, seeds, strict=True)]
    _draw_estimates(axes, lines, _far(summary))
    name = drawable(spec.base) if len(spec.base) <= _WIDEST_NAME else "the base"
    axes.set_xlabel(f"minus {name}, seed by seed", parse_math=False)
    axes.margins(x=0.15)


def _draw_estimates(axes: Any, lines: Sequence[tuple[Estimate | None, Sequence[float]]], far: Sequence[int]) -> None:
    """For each line its seeds as rings, the mean as a diamond below them, its interval as a bar."""
    for y, (estimate, seeds) in enumerate(lines):
        if estimate is None:
            continue
        if far[y]:
            above = far[y] > 0
            text = f"{estimate.mean:.3f} →" if above else f"← {estimate.mean:.3f}"
            place = (0.99 if above else 0.01, y)
            axes.text(
                *place, text, transform=axes.get_yaxis_transform(), ha="right" if above else "left", va="center"
            )
            continue
        axes.plot(seeds, [y] * len(seeds), "o", mfc="none", mec=_SEED, ms=5, mew=1, zorder=2)
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [y + 0.2] * 2, "-", color=_INK, lw=2, zorder=3)
        axes.plot([estimate.mean], [y + 0.2], "D", color=_INK, ms=5, zorder=4)


def _draw_contexts(axes: Any, spec: Spec, summary: Sequence[VariantSummary]) -> None:
    known = {
        variant.variant: [(c, e) for c in spec.contexts if (e := variant.figures.get(f"{_SCORE}@{c}"))]
        for variant in summary
    }
    low, high = _fences([e.mean for points in known.values() for _, e in points])
    for number, (name, points) in enumerate(known.items()):
        label = textwrap.fill(drawable(name), _WIDEST_NAME)
        shown = [(c, e) for c, e in points if low <= e.mean <= high]
        if len(shown) < len(points):
            beyond = ", ".join(f"{e.mean:.3f} at {c}" for c, e in points if (c, e) not in shown)
            label += "\n" + textwrap.fill(beyond, _WIDEST_NAME)
        axes.errorbar(
            [c for c, _ in shown],
            [e.mean for _, e in shown],
            yerr=(
                [0.0 if e.low is None else e.mean - e.low for _, e in shown],
                [0.0 if e.high is None else e.high - e.mean for _, e in shown],
            ),
            color=str(0.3 * (number % 3)),
            marker=_MARKERS[number % len(_MARKERS)],
            ls=_LINES[number % len(_LINES)],
            ms=5,
            lw=1.2,
            capsize=2,
            label=label,
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(spec.contexts, [str(context) for context in spec.contexts])
    axes.minorticks_off()
    axes.set(xlabel="tokens in a window", ylabel="nats per character")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _far(summary: Sequence[VariantSummary]) -> list[int]:
    """Of each variant -1, 0 or 1: whether its score is far below or above what can be shown with the others."""
    means = [variant.figures[_SCORE].mean if _SCORE in variant.figures else math.nan for variant in summary]
    low, high = _fences([mean for mean in means if not math.isnan(mean)])
    return [(mean > high) - (mean < low) for mean in means]


def _fences(values: Sequence[float]) -> tuple[float, float]:
    """Between which numbers lies what can be shown on one scale: all of it, unless a few are far from the rest."""
    if len(values) < 4:
        return -math.inf, math.inf
    middle = statistics.median(values)
    usual = statistics.median(abs(value - middle) for value in values)
    room = max(_FAR * middle, 10 * usual)
    return middle - room, middle + room
