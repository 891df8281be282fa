"""Format a comparison of speeds for the terminal."""

from textwrap import wrap

from rich.table import Table
from rich.text import Text

from octavo.bench.measure import BenchComparison

_WIDTH = 80  # columns of a note


def bench_table(comparison: BenchComparison) -> Table:
    """Return a row for each case: its median rate, the range over the rounds, the time of one round, and its rate
    divided by that of the first case."""
    first = comparison.measurements[0]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("", no_wrap=True)
    table.add_column("")
    for title in (f"{first.unit} a second", "range", "a round", "ratio"):
        table.add_column(title, justify="right", no_wrap=True)
    for case in comparison.measurements:
        low, high = min(case.rates), max(case.rates)
        ratio = "1" if case is first else f"{comparison.ratio(case):.3g}"
        rates = f"{amount(low)} … {amount(high)}"
        table.add_row(Text(case.name), Text(case.note), amount(case.median), rates, seconds(case.seconds), ratio)
    return table


def bench_notes(comparison: BenchComparison) -> list[str]:
    """Return the notes of a comparison as lines."""
    return [line for note in comparison.notes for line in wrap(note, _WIDTH, subsequent_indent="  ")]


def amount(number: float) -> str:
    """Return a number with at least three digits, and with all digits before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def seconds(number: float) -> str:
    """Return a time as 0.25 ms, 12.3 ms or 4.56 s."""
    return f"{number:.3g} s" if number >= 1 else f"{1000 * number:.3g} ms"
