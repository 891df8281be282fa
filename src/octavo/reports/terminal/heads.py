"""The table of heads on a terminal, in 100 columns."""

import math
from collections.abc import Iterable, Sequence
from textwrap import wrap

from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import MEANINGS, TITLES, table_caveats, table_sample
from octavo.interpret.head_table import AttentionFraction, HeadTable
from octavo.system.statistics import Estimate

WIDTH = 100
_LABEL = 23
# The titles of columns, which end where their lines do, and their widths.
_KINDS = (
    ("previous", 9),
    ("first", 8),
    ("itself", 8),
    ("same earlier", 9),
    ("induc- tion", 8),
    ("line starts", 8),
    ("punctu- ation", 9),
    ("speaker's name", 10),
    ("induc- tion, random", 8),
)
_SPREADS = (("tokens back", 25), ("entropy, bits", 25), ("from even, 0 to 1", 25))
_COSTS = (("zero", 25), ("mean", 25), ("first token", 25))
_Columns = Sequence[tuple[str, int]]


def head_lines(table: HeadTable) -> list[str]:
    """What was measured, where each head looks, how far, what it is worth, and what the names mean."""
    names = {head.name: f"{TITLES[head.name]}: {MEANINGS[head.name]}" for head in table.heads}
    shares = [
        [*(head.target_fractions.get(kind.name) for kind in TARGET_KINDS), head.induction_random]
        for head in table.heads
    ]
    spreads = (
        ([*(head.distance for head in table.heads), _alone(table.uniform_distance)], 1),
        ([*(head.entropy for head in table.heads), _alone(table.uniform_entropy)], 2),
        ([*(head.distance_from_uniform for head in table.heads), _alone(0.0)], 2),
    )
    *spread_rows, even = zip(*(_beside(found, digits) for found, digits in spreads), strict=True)
    costs = zip(*(_beside([head.ablation_costs[name] for head in table.heads], 3) for name in ABLATIONS), strict=True)
    return [
        *_wrapped(table_sample(table)),
        "",
        "share of its attention, %, and below it its 95 % interval, rounded outwards",
        *_table(table, _KINDS, [[map(_share, row), map(_share_interval, row)] for row in shares]),
        _row("even attention", [f"{100 * share.uniform:.0f}" if share else "none" for share in shares[0]], _KINDS),
        "",
        "how far and how sharply it looks, each with its interval",
        *_table(table, _SPREADS, [[row] for row in spread_rows]),
        _row("even attention", even, _SPREADS),
        "",
        *_wrapped(
            "what its removal costs in bits a character: its output is nothing (zero), or its mean over these "
            "windows (mean), or it looks at the first token alone"
        ),
        *_table(table, _COSTS, [[row] for row in costs]),
        "",
        *(line for said in [*names.values(), *table_caveats(table)] for line in _wrapped(said)),
    ]


def _table(table: HeadTable, columns: _Columns, heads: Iterable[Sequence[Iterable[str]]]) -> list[str]:
    """Titles, which may take several lines, above the rows of each head, of which the first has its name; an empty
    line between layers."""
    broken = [wrap(title, width - 1) for title, width in columns]
    height = max(map(len, broken))
    above = [[*[""] * (height - len(title)), *title] for title in broken]
    made = [_row("", parts, columns) for parts in zip(*above, strict=True)]
    for head, (first, *others) in zip(table.heads, heads, strict=True):
        made += [""] if head.head == 0 and head.layer else []
        made.append(_row(f"{head.label:<5}{TITLES[head.name]}", first, columns))
        made += filter(None, (_row("", cells, columns) for cells in others))
    return made


def _row(label: str, cells: Iterable[str], columns: _Columns) -> str:
    return (
        label.ljust(_LABEL) + "".join(cell.rjust(w) for cell, (_, w) in zip(cells, columns, strict=False))
    ).rstrip()


def _share(share: AttentionFraction | None) -> str:
    return f"{100 * share.measured.mean:.0f}" if share else "–"


def _share_interval(share: AttentionFraction | None) -> str:
    if share is None or share.measured.low is None or share.measured.high is None:
        return ""
    return f"{math.floor(100 * share.measured.low + 1e-9)}…{math.ceil(100 * share.measured.high - 1e-9)}"


def _alone(figure: float) -> Estimate:
    """A figure that is known, not measured."""
    return Estimate(1, figure, None, None)


def _beside(column: Sequence[Estimate], digits: int) -> list[str]:
    """The figures of a column, each with its interval beside it, as wide as each other."""

    def written(figures: Iterable[float | None]) -> list[str]:
        cells = ["" if figure is None else f"{figure:.{digits}f}" for figure in figures]
        return [cell.rjust(max(map(len, cells))) for cell in cells]

    means, lows, highs = (written(getattr(found, end) for found in column) for end in ("mean", "low", "high"))
    rows = zip(means, lows, highs, strict=True)
    return [f"{mean}  {low} {'…' if low.strip() else ' '} {high}" for mean, low, high in rows]


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
