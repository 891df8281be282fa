"""The table of heads on a terminal, in 100 columns."""

import math
from collections.abc import Sequence
from textwrap import wrap

from octavo.interpret.head_names import Share
from octavo.interpret.head_table import HeadTable
from octavo.interpret.head_words import MEANINGS, TITLES, measured, reservations
from octavo.interpret.removal import REMOVALS
from octavo.interpret.targets import KINDS
from octavo.intervals import Estimate

WIDTH = 100
_LABEL = 23
# The titles of columns, which end where their lines do, and their widths.
_KINDS = (
    ("previous", 9),
    ("first", 7),
    ("itself", 8),
    ("same earlier", 9),
    ("induc- tion", 7),
    ("line starts", 8),
    ("punctu- ation", 9),
    ("speaker's name", 10),
    ("induct., random", 10),
)
_FIGURES = (
    ("tokens back", 11),
    ("entropy, bits", 12),
    ("from even, 0 to 1", 12),
    ("zero", 14),
    ("mean", 14),
    ("first token", 14),
)
_Columns = Sequence[tuple[str, int]]


def lines(table: HeadTable) -> list[str]:
    """What was measured, where each head looks, how far, what it is worth, and what the names mean."""
    names = {head.name: f"{TITLES[head.name]}: {MEANINGS[head.name]}" for head in table.heads}
    shares = [[*(head.shares.get(kind.name) for kind in KINDS), head.induction_random] for head in table.heads]
    spreads = [(head.distance, head.entropy, head.from_even) for head in table.heads]
    return [
        *_wrapped(measured(table)),
        "",
        "share of attention, % ± half its 95 % interval, rounded up; last, what even attention would give",
        *_table(table, _KINDS, [[_share(share) for share in row] for row in shares]),
        _row("even attention", [f"{100 * share.even:.0f}   " if share else "none" for share in shares[0]], _KINDS),
        "",
        "how far and how sharply it looks, and what its removal costs in bits a character, ± the same",
        *_table(
            table,
            _FIGURES,
            [
                [_around(d, 1), _around(e, 2), _around(f, 2), *(_around(head.removal[name], 3) for name in REMOVALS)]
                for head, (d, e, f) in zip(table.heads, spreads, strict=True)
            ],
        ),
        _row("even attention", [f"{table.even_distance:.1f}", f"{table.even_entropy:.2f}", "0.00"], _FIGURES),
        "",
        *(line for said in [*names.values(), *reservations(table)] for line in _wrapped(said)),
    ]


def _table(table: HeadTable, columns: _Columns, rows: Sequence[Sequence[str]]) -> list[str]:
    """Titles, which may take several lines, above a row for each head; an empty line between layers."""
    broken = [wrap(title, width - 1) for title, width in columns]
    height = max(map(len, broken))
    above = [[*[""] * (height - len(title)), *title] for title in broken]
    made = [_row("", parts, columns) for parts in zip(*above, strict=True)]
    for head, cells in zip(table.heads, rows, strict=True):
        made += [""] if head.head == 0 and head.layer else []
        made.append(_row(f"{head.label:<5}{TITLES[head.name]}", cells, columns))
    return made


def _row(label: str, cells: Sequence[str], columns: _Columns) -> str:
    return (
        label.ljust(_LABEL) + "".join(cell.rjust(w) for cell, (_, w) in zip(cells, columns, strict=False))
    ).rstrip()


def _share(share: Share | None) -> str:
    if share is None:
        return "–"
    low, high = share.found.low, share.found.high
    around = "   " if low is None or high is None else f" ±{math.ceil(50 * (high - low) - 1e-9)}"
    return f"{100 * share.found.mean:.0f}{around}"


def _around(found: Estimate, digits: int) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ±{(found.high - found.low) / 2:.{digits}f}"


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
