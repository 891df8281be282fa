"""The speed of benchmark cases relative to the first of their comparison, as bars."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from octavo.reports.figures.files import drawable, make_figure, open_frames
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST, _OTHER = "#cbd2d9", "#c2410c"
_BAR, _MARGIN = 0.3, 0.65  # inches of a bar, and of title and axis of its comparison


class Compared(Protocol):
    """A comparison to draw: ratios to the first case, for each round."""

    @property
    def title(self) -> str:
        """Return the title above the bars."""

    def ratios_by_case(self) -> Mapping[str, Sequence[float]]:
        """Return the ratios of each case; those of the first are 1."""


@in_own_style
def bench_figure(comparisons: Sequence[Compared], facts: Sequence[str] = ()) -> "Figure":
    """Return a panel for each comparison that has cases, below `facts` about the machine.

    A bar is the median ratio, its whisker the range over the rounds.
    """
    drawn = [(one.title, ratios) for one in comparisons if (ratios := one.ratios_by_case())]
    heights = [_MARGIN + _BAR * len(ratios) for _, ratios in drawn] or [_MARGIN]
    figure = make_figure(9, sum(heights) + 0.3 + 0.2 * len(facts), "\n".join(map(drawable, facts)), fontsize=8)
    if not drawn:
        return figure
    grid = figure.subplots(len(drawn), 1, squeeze=False, height_ratios=heights)
    for axes, (title, ratios) in zip(grid[:, 0], drawn, strict=True):
        _draw(axes, title, ratios)
    grid[-1, 0].set_xlabel("speed relative to the first case of the panel", fontsize=8)
    return figure


def _draw(axes: Any, title: str, ratios: Mapping[str, Sequence[float]]) -> None:
    medians = [median(each) for each in ratios.values()]
    positions = range(len(ratios))
    axes.barh(positions, medians, color=[_FIRST, *[_OTHER] * (len(medians) - 1)], height=0.62)
    for position, median_ratio, each in zip(positions, medians, ratios.values(), strict=True):
        axes.plot([min(each), max(each)], [position, position], color="#1f2937", lw=1.2)
        axes.annotate(
            f"{median_ratio:.3g}",
            (max(median_ratio, *each), position),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(positions, labels=[drawable(name) for name in ratios], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(max(each) for each in ratios.values()))
    axes.axvline(1, color="#6b7885", lw=0.8, ls=":")
    axes.set_title(drawable(title), fontsize=9, loc="left", parse_math=False)
    axes.tick_params(labelsize=8)
    open_frames(axes)
