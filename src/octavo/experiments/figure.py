"""Draw an experiment: every seed, the means with their intervals, and the differences to the base."""

import math
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec
from octavo.reports.figures.files import drawable, make_figure, open_frames, save_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style
from octavo.system.statistics import Estimate

_INK, _SEED = "black", "#7a7a7a"  # shapes and greys, so that print without colour shows everything
_MAX_NAME_WIDTH = 26  # letters per line
_OUTLIER_FRACTION = 0.75  # distance from the median, as a fraction of it
_OUTLIER_DEVIATIONS = 10  # distance from the median, in median absolute deviations
_MARKERS = "osD^vPX*<>"
_LINES = ("-", "--", ":", "-.")
_SCORE, _NATS = "bits_per_character", "nats_per_character"
_NATS_PER_BIT = math.log(2)


def draw_experiment(
    spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary], folder: Path
) -> list[Path]:
    """Write ``figure.png`` and ``figure.svg`` into `folder`; return their paths, none if nothing is scored."""
    if not any(variant.scored for variant in summary):
        return []
    return save_figure(_figure(spec, rows, summary), folder / "figure", ("png", "svg"))


@in_own_style
def _figure(spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> Any:
    """Return the figure: scores, differences if there are two variants, scores by context if the spec has some."""
    names = [_label(variant) for variant in summary]
    widths = [4.6, *([3.4] if len(summary) > 1 else []), *([5.2] if spec.contexts else [])]
    lines = max(name.count("\n") + 1 for name in names)
    height = max(3.0, 1.5 + len(names) * max(0.36, 0.2 * lines))  # inches
    title = drawable(" ".join(spec.title.split()))
    figure = make_figure(sum(widths), height, textwrap.fill(title, int(sum(widths) * 11)))
    axes: Any = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for draw, ax in zip((_draw_scores, _draw_differences)[: min(2, len(summary))], axes, strict=False):
        draw(ax, spec, rows, summary)
        ax.set_ylim(len(summary) - 0.4, -0.6)  # the first variant at the top
        ax.set_yticks(range(len(summary)), names if ax is axes[0] else [""] * len(names), parse_math=False)
        ax.tick_params(axis="y", length=0)
        ax.locator_params(axis="x", nbins=5)
        ax.grid(axis="x", alpha=0.25)
    if spec.contexts:
        _draw_contexts(axes[-1], spec, summary)
    open_frames(*axes)
    return with_installed_fonts(figure, [spec.title, *(variant.variant for variant in summary)])


def _label(variant: VariantSummary) -> str:
    failed = f"\n({variant.failed} of {variant.planned} failed)" if variant.failed else ""
    return textwrap.fill(drawable(variant.variant), _MAX_NAME_WIDTH) + failed


def _draw_scores(axes: Any, spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> None:
    lines = []
    for variant in summary:
        own = [row for row in rows if row.variant == variant.variant and row.scored]
        lines.append((variant.figures.get(_SCORE), [float(row.bits_per_character or 0) for row in own]))
    _draw_estimates(axes, lines, _outliers(summary))
    axes.set_xlabel("bits per character, validation split")
    nats = axes.secondary_xaxis("top", functions=(lambda x: x * _NATS_PER_BIT, lambda x: x / _NATS_PER_BIT))
    nats.set_xlabel("nats per character")
    nats.locator_params(axis="x", nbins=5)


def _draw_differences(axes: Any, spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> None:
    axes.axvline(0, color=_INK, lw=0.8, ls=":")
    scores = {(row.variant, row.seed): row.bits_per_character for row in rows}
    lines = []
    for variant in summary:
        pairs = [(scores.get((variant.variant, seed)), scores.get((spec.base, seed))) for seed in spec.seeds]
        seeds = [own - base for own, base in pairs if own is not None and base is not None]
        lines.append((variant.differences.get(_SCORE), seeds))
    _draw_estimates(axes, lines, _outliers(summary))
    name = drawable(spec.base) if len(spec.base) <= _MAX_NAME_WIDTH else "the base"
    axes.set_xlabel(f"minus {name}, seed by seed", parse_math=False)
    axes.margins(x=0.15)


def _draw_estimates(
    axes: Any, lines: Sequence[tuple[Estimate | None, Sequence[float]]], outliers: Sequence[int]
) -> None:
    """Draw on each line the seeds as rings, the mean below them as a diamond, and its interval as a bar.

    An outlier is only a number at the edge, so that the others keep a readable scale.
    """
    for y, (estimate, seeds) in enumerate(lines):
        if estimate is None:
            continue
        if outliers[y]:
            above = outliers[y] > 0
            text = f"{estimate.mean:.3f} →" if above else f"← {estimate.mean:.3f}"
            x, align = (0.99, "right") if above else (0.01, "left")
            axes.text(x, y, text, transform=axes.get_yaxis_transform(), ha=align, va="center")
            continue
        axes.plot(seeds, [y] * len(seeds), "o", mfc="none", mec=_SEED, ms=5, mew=1, zorder=2)
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [y + 0.2] * 2, "-", color=_INK, lw=2, zorder=3)
        axes.plot([estimate.mean], [y + 0.2], "D", color=_INK, ms=5, zorder=4)


def _draw_contexts(axes: Any, spec: Spec, summary: Sequence[VariantSummary]) -> None:
    """Draw bits per character over the window length; points outside the scale are numbers in the legend."""
    points = {
        variant.variant: [
            (context, _in_bits(e)) for context in spec.contexts if (e := variant.figures.get(f"{_NATS}@{context}"))
        ]
        for variant in summary
    }
    low, high = _scale([e.mean for each in points.values() for _, e in each])
    for number, (name, each) in enumerate(points.items()):
        label = textwrap.fill(drawable(name), _MAX_NAME_WIDTH)
        drawn = [(c, e) for c, e in each if low <= e.mean <= high]
        if len(drawn) < len(each):
            outside = ", ".join(f"{e.mean:.3f} at {c}" for c, e in each if (c, e) not in drawn)
            label += "\n" + textwrap.fill(outside, _MAX_NAME_WIDTH)
        axes.errorbar(
            [c for c, _ in drawn],
            [e.mean for _, e in drawn],
            yerr=(
                [0.0 if e.low is None else e.mean - e.low for _, e in drawn],
                [0.0 if e.high is None else e.high - e.mean for _, e in drawn],
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
    axes.set(xlabel="tokens per window", ylabel="bits per character")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _in_bits(nats: Estimate) -> Estimate:
    ends = [None if end is None else end / _NATS_PER_BIT for end in (nats.low, nats.high)]
    return Estimate(nats.n, nats.mean / _NATS_PER_BIT, *ends)


def _outliers(summary: Sequence[VariantSummary]) -> list[int]:
    """Return for each variant -1, 0 or 1: its score is below, within or above the scale of the others."""
    means = [variant.figures[_SCORE].mean if _SCORE in variant.figures else math.nan for variant in summary]
    low, high = _scale([mean for mean in means if not math.isnan(mean)])
    return [(mean > high) - (mean < low) for mean in means]


def _scale(values: Sequence[float]) -> tuple[float, float]:
    """Return the limits of what is drawn: no limits unless a few of four or more values are far from the median."""
    if len(values) < 4:
        return -math.inf, math.inf
    middle = statistics.median(values)
    deviation = statistics.median(abs(value - middle) for value in values)
    margin = max(_OUTLIER_FRACTION * middle, _OUTLIER_DEVIATIONS * deviation)
    return middle - margin, middle + margin
