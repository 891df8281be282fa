"""How many times as fast each case is as the first of its comparison, as bars."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from octavo.reports.figures.files import drawable
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST, _OTHER = "#cbd2d9", "#c2410c"
_BAR, _AROUND = 0.3, 0.65  # inches: of a bar, and of the title and axis of its comparison


class Compared(Protocol):
    """What is drawn: ratios to the first case, round by round."""

    @property
    def title(self) -> str:
        """Above the bars."""

    def ratios_by_case(self) -> Mapping[str, Sequence[float]]:
        """Of each case; those of the first are 1."""


@in_own_style
def bench_figure(comparisons: Sequence[Compared], said: Sequence[str] = ()) -> "Figure":
    """A panel for each comparison that has cases: a bar is the median ratio, its whisker the range over the rounds.
    `said` is about the machine, at the top."""
    from matplotlib.figure import Figure

    drawn = [(one.title, ratios) for one in comparisons if (ratios := one.ratios_by_case())]
    heights = [_AROUND + _BAR * len(ratios) for _, ratios in drawn] or [_AROUND]
    figure = Figure(figsize=(9, sum(heights) + 0.3 + 0.2 * len(said)), layout="constrained")
    figure.suptitle("\n".join(map(drawable, said)), fontsize=8, parse_math=False)
    if not drawn:
        return figure
    grid = figure.subplots(len(drawn), 1, squeeze=False, height_ratios=heights)
    for axes, (title, ratios) in zip(grid[:, 0], drawn, strict=True):
        _draw(axes, title, ratios)
    grid[-1, 0].set_xlabel("times as fast as the first of its panel", fontsize=8)
    return figure


def _draw(axes: Any, title: str, ratios: Mapping[str, Sequence[float]]) -> None:
    middles = [median(each) for each in ratios.values()]
    places = range(len(ratios))
    axes.barh(places, middles, color=[_FIRST, *[_OTHER] * (len(middles) - 1)], height=0.62)
    for place, middle, each in zip(places, middles, ratios.values(), strict=True):
        axes.plot([min(each), max(each)], [place, place], color="#1f2937", lw=1.2)
        axes.annotate(
            f"{middle:.3g}", (max(middle, *each), place), (5, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_yticks(places, labels=[drawable(name) for name in ratios], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(max(each) for each in ratios.values()))
    axes.axvline(1, color="#6b7885", lw=0.8, ls=":")
    axes.set_title(drawable(title), fontsize=9, loc="left", parse_math=False)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
