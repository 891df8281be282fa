"""The columns of the head table, for pages and Markdown: attention fractions, spread, and ablation costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import RANDOM_INDUCTION, SPREAD_MEANINGS
from octavo.interpret.head_table import AttentionFraction, HeadTable
from octavo.system.statistics import Estimate

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


def _fraction_columns(table: HeadTable) -> list[Column]:
    columns = []
    for kind in TARGET_KINDS:
        names_head = [head.name == kind.name for head in table.heads]
        fractions = [head.target_fractions.get(kind.name) for head in table.heads]
        title = kind.title.replace("punctu", "punctu\u00ad")  # may break there, so that all columns fit
        columns.append(_fraction_column(title, kind.meaning, fractions, names_head))
    random = [head.induction_random for head in table.heads]
    return [*columns, _fraction_column("induction, random", RANDOM_INDUCTION, random, [False] * len(random))]


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
    heads = table.heads
    return [
        Column(
            "distance, tokens",
            SPREAD_MEANINGS["distance"],
            [_cell(head.distance, 1, 1) for head in heads],
            f"{table.uniform_distance:.1f}",
        ),
        Column(
            "entropy, bits",
            SPREAD_MEANINGS["entropy"],
            [_cell(head.entropy, 1, 2) for head in heads],
            f"{table.uniform_entropy:.2f}",
        ),
        Column(
            "distance from uniform",
            SPREAD_MEANINGS["from_even"],
            [_cell(head.distance_from_uniform, 1, 2) for head in heads],
            "0.00",
        ),
    ]


def _ablation_columns(table: HeadTable) -> list[Column]:
    largest = max((cost.mean for head in table.heads for cost in head.ablation_costs.values()), default=0.0)

    def colour(cost: Estimate) -> str:
        return f"warm-{round(_COST_STEPS * max(0.0, cost.mean) / largest)}" if largest > 0 else ""

    titles = {"zero": "zero", "mean": "mean", "first": "first token"}
    return [
        Column(
            titles[name],
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
