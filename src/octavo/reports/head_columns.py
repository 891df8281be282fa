"""The columns of the head table, for pages and Markdown: attention fractions, spread, and ablation costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import RANDOM_INDUCTION, SPREAD_MEANINGS
from octavo.interpret.head_table import AttentionFraction, HeadTable
from octavo.system.statistics import Estimate

ABLATION_TITLES = {"zero": "zero", "mean": "mean", "first": "first token"}
_SPREAD_TITLES = {
    "distance": "distance, tokens",
    "entropy": "entropy, bits",
    "distance_from_uniform": "distance from uniform",
}
_FRACTION_STEPS = 10  # of the colour scale of fractions
_COST_STEPS = 6  # of the colour scale of costs, up to the largest cost of the table


@dataclass(frozen=True)
class Cell:
    """A value with its 95 % interval as text, and the CSS classes of its colour; a column is sorted by `value`."""

    value: float | None
    text: str = "–"
    interval: str = ""
    classes: str = ""


@dataclass(frozen=True)
class Column:
    """A title with its meaning, a cell for each head, and the value of uniform attention."""

    title: str
    meaning: str
    cells: Sequence[Cell]
    uniform: str = ""


def head_columns(table: HeadTable) -> dict[str, list[Column]]:
    """Return the columns, by the title of their group."""
    return {
        "attention, %": _fraction_columns(table),
        "distance and entropy": _spread_columns(table),
        "cost of ablation, bits per character": _ablation_columns(table),
    }


def fraction_rows(table: HeadTable) -> list[list[AttentionFraction | None]]:
    """Return for each head the fraction of each target kind, None for a kind without tokens, and random induction."""
    return [
        [*(head.target_fractions.get(kind.name) for kind in TARGET_KINDS), head.induction_random]
        for head in table.heads
    ]


def spreads(table: HeadTable) -> list[tuple[str, list[Estimate], float, int]]:
    """Return the measures of spread: name, value of each head, value of uniform attention, and digits to show."""
    return [
        (name, [getattr(head, name) for head in table.heads], uniform, digits)
        for name, uniform, digits in (
            ("distance", table.uniform_distance, 1),
            ("entropy", table.uniform_entropy, 2),
            ("distance_from_uniform", 0.0, 2),
        )
    ]


def _fraction_columns(table: HeadTable) -> list[Column]:
    # A title may break at the soft hyphen, so that all columns fit.
    titles = {kind.title.replace("punctu", "punctu\u00ad"): kind.meaning for kind in TARGET_KINDS}
    titles["induction, random"] = RANDOM_INDUCTION
    columns = zip(*fraction_rows(table), strict=True)
    names = [*(kind.name for kind in TARGET_KINDS), None]
    return [
        _fraction_column(title, meaning, column, [head.name == name for head in table.heads])
        for (title, meaning), column, name in zip(titles.items(), columns, names, strict=True)
    ]


def _fraction_column(
    title: str, meaning: str, fractions: Sequence[AttentionFraction | None], names_head: Sequence[bool]
) -> Column:
    cells = []
    for fraction, framed in zip(fractions, names_head, strict=True):
        if fraction is None:
            cells.append(Cell(None))
            continue
        colour = f"cool-{round(_FRACTION_STEPS * min(1.0, fraction.measured.mean))}"
        cells.append(_cell(fraction.measured, 100, 1, f"{colour} framed" if framed else colour))
    uniform = f"{100 * fractions[0].uniform:.1f}" if fractions[0] else "none in this text"
    return Column(title, meaning, cells, uniform)


def _spread_columns(table: HeadTable) -> list[Column]:
    return [
        Column(
            _SPREAD_TITLES[name],
            SPREAD_MEANINGS[name],
            [_cell(estimate, 1, digits) for estimate in estimates],
            f"{uniform:.{digits}f}",
        )
        for name, estimates, uniform, digits in spreads(table)
    ]


def _ablation_columns(table: HeadTable) -> list[Column]:
    largest = max((cost.mean for head in table.heads for cost in head.ablation_costs.values()), default=0.0)

    def colour(cost: Estimate) -> str:
        return f"warm-{round(_COST_STEPS * max(0.0, cost.mean) / largest)}" if largest > 0 else ""

    return [
        Column(
            ABLATION_TITLES[name],
            f"increase of bits per character when {meaning}",
            [_cell(head.ablation_costs[name], 1, 3, colour(head.ablation_costs[name])) for head in table.heads],
        )
        for name, meaning in ABLATIONS.items()
    ]


def _cell(estimate: Estimate, scale: float, digits: int, classes: str = "") -> Cell:
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f"{scale * estimate.low:.{digits}f}…{scale * estimate.high:.{digits}f}"
    return Cell(estimate.mean, f"{scale * estimate.mean:.{digits}f}", interval, classes)
