"""Scores on one scale: a dot for each model, in bits per character of the same text, the best at the bottom.

The scale is linear: bits are lengths, whose differences add up, so a broken or a logarithmic scale would make a small
difference look large. It need not begin at 0, since a dot is read by its position, not by a length (Cleveland &
McGill, 1984).
"""

from octavo.evaluate.comparison import NOT_COMPARABLE
from octavo.reports.blocks import ScoreDots
from octavo.reports.html.axis import Axis, number
from octavo.reports.html.page import HtmlPart, render

_MARGIN = 0.08  # of the scale's length, beyond the outermost dots


def scores_part(scores: ScoreDots) -> HtmlPart:
    """Return dots from the worst to the best, a table that a button opens, and notes."""
    ends = [edge for dot in scores.dots for edge in (dot.bits - (dot.error or 0), dot.bits + (dot.error or 0))]
    margin = _MARGIN * (max(ends) - min(ends)) or 0.5
    axis = Axis(min(ends) - margin, max(ends) + margin, 0, 100)
    drawn = [
        {
            "dot": dot,
            "position": round(axis.position(dot.bits), 2),
            "bar": [round(axis.position(dot.bits + side * dot.error), 2) for side in (-1, 1)] if dot.error else None,
        }
        for dot in sorted(scores.dots, key=lambda dot: -dot.bits)
    ]
    ticks = [(round(axis.position(tick), 2), number(tick)) for tick in axis.ticks(4)]
    html = render(
        "scores.html",
        dots=drawn,
        ticks=ticks,
        low=axis.low,
        barred=any(dot.error for dot in scores.dots),
        table=scores.table,
        apart_title=NOT_COMPARABLE,
        notes=scores.notes,
    )
    return HtmlPart(html, styles=("scores.css",))
