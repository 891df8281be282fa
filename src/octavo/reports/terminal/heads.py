"""Format the table of heads for the terminal, in 100 columns."""

import math
from collections.abc import Iterable, Sequence
from textwrap import wrap

from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_labels import MEANINGS, TITLES, table_caveats, table_sample
from octavo.interpret.head_table import AttentionFraction, HeadTable
from octavo.reports.head_columns import fraction_rows, spreads
from octavo.system.statistics import Estimate

WIDTH = 100  # columns of the terminal
_LABEL = 23  # columns of a head's label
# The titles of the table's columns, which are right-aligned, and their widths.
_FRACTIONS = (
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
_SPREADS = (("mean distance, tokens", 25), ("entropy, bits", 25), ("from uniform, 0 to 1", 25))
_ABLATION_COSTS = (("zero", 25), ("mean", 25), ("first token", 25))
_Columns = Sequence[tuple[str, int]]


def head_lines(table: HeadTable) -> list[str]:
    """Return lines with the targets of each head, the spread of its attention, its ablation cost, and notes."""
    names = {head.name: f"{TITLES[head.name]}: {MEANINGS[head.name]}" for head in table.heads}
    fractions = fraction_rows(table)
    spread_columns = (
        _with_intervals([*estimates, Estimate(1, uniform, None, None)], digits)  # which is known, not measured
        for _, estimates, uniform, digits in spreads(table)
    )
    *spread_rows, uniform = zip(*spread_columns, strict=True)
    costs = zip(
        *(_with_intervals([head.ablation_costs[name] for head in table.heads], 3) for name in ABLATIONS), strict=True
    )
    return [
        *_wrapped(table_sample(table)),
        "",
        "attention on each target in %, and below it the 95 % interval, rounded outwards",
        *_table(table, _FRACTIONS, [[map(_percent, row), map(_percent_interval, row)] for row in fractions]),
        _row("uniform attention", [f"{100 * x.uniform:.0f}" if x else "none" for x in fractions[0]], _FRACTIONS),
        "",
        "spread of its attention, with 95 % intervals",
        *_table(table, _SPREADS, [[row] for row in spread_rows]),
        _row("uniform attention", uniform, _SPREADS),
        "",
        *_wrapped(
            "cost of its ablation in bits per character: its output becomes zero (zero) or its mean over these "
            "windows (mean), or it attends only to the first token (first token)"
        ),
        *_table(table, _ABLATION_COSTS, [[row] for row in costs]),
        "",
        *(line for note in [*names.values(), *table_caveats(table)] for line in _wrapped(note)),
    ]


def _table(table: HeadTable, columns: _Columns, heads: Iterable[Sequence[Iterable[str]]]) -> list[str]:
    """Return the titles and the rows of each head, of which the first has its name, with empty lines between layers.

    A title may take several lines.
    """
    titles = [wrap(title, width - 1) for title, width in columns]
    height = max(map(len, titles))
    padded = [[*[""] * (height - len(title)), *title] for title in titles]
    lines = [_row("", parts, columns) for parts in zip(*padded, strict=True)]
    for head, (first, *others) in zip(table.heads, heads, strict=True):
        lines += [""] if head.head == 0 and head.layer else []
        lines.append(_row(f"{head.label:<5}{TITLES[head.name]}", first, columns))
        lines += filter(None, (_row("", cells, columns) for cells in others))
    return lines


def _row(label: str, cells: Iterable[str], columns: _Columns) -> str:
    return (
        label.ljust(_LABEL) + "".join(cell.rjust(w) for cell, (_, w) in zip(cells, columns, strict=False))
    ).rstrip()


def _percent(fraction: AttentionFraction | None) -> str:
    return f"{100 * fraction.measured.mean:.0f}" if fraction else "–"


def _percent_interval(fraction: AttentionFraction | None) -> str:
    if fraction is None or fraction.measured.low is None or fraction.measured.high is None:
        return ""
    return f"{math.floor(100 * fraction.measured.low + 1e-9)}…{math.ceil(100 * fraction.measured.high - 1e-9)}"


def _with_intervals(column: Sequence[Estimate], digits: int) -> list[str]:
    """Return the numbers of a column with their intervals, all of the same width."""

    def aligned(numbers: Iterable[float | None]) -> list[str]:
        cells = ["" if number is None else f"{number:.{digits}f}" for number in numbers]
        return [cell.rjust(max(map(len, cells))) for cell in cells]

    means, lows, highs = (aligned(getattr(one, end) for one in column) for end in ("mean", "low", "high"))
    rows = zip(means, lows, highs, strict=True)
    return [f"{mean}  {low} {'…' if low.strip() else ' '} {high}" for mean, low, high in rows]


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
