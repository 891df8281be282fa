"""The table of heads: what each looks at, beside chance, how far and how sharply, and what it is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import (
    MEANINGS,
    RANDOM_INDUCTION,
    SPREAD_MEANINGS,
    TITLES,
    table_caveats,
    table_sample,
)
from octavo.interpret.head_table import UNCLASSIFIED, AttentionFraction, HeadTable
from octavo.reports.figures.heads import heads_figure
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.system.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STEPS = 10  # of the scale for shares
_DEAREST = 6  # the step of the scale for costs that the dearest removal has


@dataclass(frozen=True, repr=False)
class HeadsView(View):
    """The table of heads of the run `name`, which shows itself as a page and as a figure."""

    table: HeadTable
    name: str

    @property
    def page(self) -> Page:
        """The table."""
        description = "What each head looks at beside chance, how far and how sharply, and what it is worth."
        return make_page(f"Heads of {self.name}", [heads_part(self.table)], description=description, height=900)

    def figure(self) -> "Figure":
        """The picture."""
        return heads_figure(self.table, self.name)


@dataclass(frozen=True)
class Cell:
    """A figure with its interval, and how it is shaded; `value` is what its column is sorted by."""

    value: float | None
    text: str = "–"
    interval: str = ""
    shade: str = ""


@dataclass(frozen=True)
class Column:
    """What a column is of, and for each head its cell; `even`: what even attention has."""

    title: str
    meaning: str
    cells: Sequence[Cell]
    even: str = ""


def heads_part(table: HeadTable) -> HtmlPart:
    """The table, which can be sorted by any column; columns and names are explained on focus and below."""
    groups = head_columns(table)
    columns = [column for group in groups.values() for column in group]
    names = {head.name: MEANINGS[head.name] for head in table.heads}
    html = render(
        "heads.html",
        measured=table_sample(table),
        reservations=table_caveats(table),
        groups={group: len(of_group) for group, of_group in groups.items()},
        columns=columns,
        rows=[(head, TITLES[head.name], [c.cells[row] for c in columns]) for row, head in enumerate(table.heads)],
        no_name=UNCLASSIFIED,
        names={TITLES[name]: meaning for name, meaning in names.items()},
    )
    return HtmlPart(html, ("heads.js",), ("heads.css",))


def head_columns(table: HeadTable) -> dict[str, list[Column]]:
    """The columns, by what they are of."""
    return {
        "share of its attention, %": _shares(table),
        "how far, how sharply": _spreads(table),
        "cost of removing it, bits a character": _removals(table),
    }


def _shares(table: HeadTable) -> list[Column]:
    columns = []
    for kind in TARGET_KINDS:
        earned = [head.name == kind.name for head in table.heads]
        shares = [head.target_fractions.get(kind.name) for head in table.heads]
        title = kind.title.replace("punctu", "punctu\u00ad")  # may break there, so that all columns fit
        columns.append(_share_column(title, kind.meaning, shares, earned))
    random = [head.induction_random for head in table.heads]
    return [*columns, _share_column("induction, random", RANDOM_INDUCTION, random, [False] * len(random))]


def _share_column(
    title: str, meaning: str, shares: Sequence[AttentionFraction | None], earned: Sequence[bool]
) -> Column:
    cells = []
    for share, named in zip(shares, earned, strict=True):
        if share is None:
            cells.append(Cell(None))
            continue
        shade = f"cool-{round(_STEPS * min(1.0, share.measured.mean))}"
        cells.append(_cell(share.measured, 100, 1, f"{shade} earned" if named else shade))
    return Column(title, meaning, cells, f"{100 * shares[0].uniform:.1f}" if shares[0] else "none in this text")


def _spreads(table: HeadTable) -> list[Column]:
    heads = table.heads
    return [
        Column(
            "looks back, tokens",
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
            "from even, 0 to 1",
            SPREAD_MEANINGS["from_even"],
            [_cell(head.distance_from_uniform, 1, 2) for head in heads],
            "0.00",
        ),
    ]


def _removals(table: HeadTable) -> list[Column]:
    dearest = max((cost.mean for head in table.heads for cost in head.ablation_costs.values()), default=0.0)

    def shade(cost: Estimate) -> str:
        return f"warm-{round(_DEAREST * max(0.0, cost.mean) / dearest)}" if dearest > 0 else ""

    titles = {"zero": "zero", "mean": "mean", "first": "first token"}
    return [
        Column(
            titles[name],
            f"what the text costs more when {meaning}",
            [_cell(head.ablation_costs[name], 1, 3, shade(head.ablation_costs[name])) for head in table.heads],
        )
        for name, meaning in ABLATIONS.items()
    ]


def _cell(found: Estimate, times: float, digits: int, shade: str = "") -> Cell:
    around = ""
    if found.low is not None and found.high is not None:
        around = f"{times * found.low:.{digits}f}…{times * found.high:.{digits}f}"
    return Cell(found.mean, f"{times * found.mean:.{digits}f}", around, shade)
