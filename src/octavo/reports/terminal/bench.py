"""A comparison of speeds for a terminal: a row a case."""

from textwrap import wrap

from rich.table import Table
from rich.text import Text

from octavo.bench.measure import BenchComparison

_WIDTH = 80  # of notes


def bench_table(comparison: BenchComparison) -> Table:
    """What each case did a second, its range over the rounds, how long a turn took, and how many times as fast it is
    as the first."""
    first = comparison.measurements[0]
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    rows.add_column("", no_wrap=True)
    rows.add_column("")
    for title in (f"{first.unit} a second", "range", "a turn", "ratio"):
        rows.add_column(title, justify="right", no_wrap=True)
    for one in comparison.measurements:
        low, high = min(one.rates), max(one.rates)
        ratio = "1" if one is first else f"{comparison.ratio(one):.3g}"
        spread = f"{amount(low)} … {amount(high)}"
        rows.add_row(Text(one.name), Text(one.note), amount(one.median), spread, seconds(one.seconds), ratio)
    return rows


def bench_notes(comparison: BenchComparison) -> list[str]:
    """What has to be said about it, in lines."""
    return [line for note in comparison.notes for line in wrap(note, _WIDTH, subsequent_indent="  ")]


def amount(number: float) -> str:
    """Three digits at least, and every digit before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def seconds(number: float) -> str:
    """0.25 ms, 12.3 ms, 4.56 s."""
    return f"{number:.3g} s" if number >= 1 else f"{1000 * number:.3g} ms"
