"""Scores on one scale: a dot for each model, in bits per character of the same text, the best at the bottom.

The scale is linear: bits are lengths, whose differences add up, so a broken or a logarithmic scale would make a small
difference look large. It need not begin at 0, since a dot is read by its position, not by a length (Cleveland &
McGill, 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import Baseline, Evaluation, TrainOverlap
from octavo.evaluate.comparison import NOT_COMPARABLE, THIS_MODEL, rank_scores
from octavo.reports.html.axis import Axis, number
from octavo.reports.html.page import HtmlPart, render
from octavo.reports.score_table import ScoreTable, score_notes, score_table

_MARGIN = 0.08  # of the scale's length, beyond the outermost dots


@dataclass(frozen=True)
class Dot:
    """A model with its score in bits per character, and the standard error if there is one."""

    name: str
    bits: float
    error: float | None = None
    trained: bool = False  # by Octavo; False: a baseline


def scores_part(
    score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None, *, training_seconds: float = 0.0
) -> HtmlPart:
    """Return the score of a run among its baselines, with its caveats.

    Where the run's tokenizer is lossy, baselines of the full text are only in the table: they are not comparable.
    """
    error = score.standard_error_bits_per_character
    dots = [
        Dot(row.name, row.bits_per_character, error if this_model else None, this_model)
        for row in rank_scores(score, baselines).rows
        for this_model in [row.name == THIS_MODEL]
    ]
    table = score_table(score, baselines, training_seconds)
    return dots_part(dots, table, score_notes(score, baselines, overlap))


def dots_part(dots: Sequence[Dot], table: ScoreTable, notes: Sequence[str] = ()) -> HtmlPart:
    """Return dots from the worst to the best, a table that a button opens, and notes."""
    ends = [edge for dot in dots for edge in (dot.bits - (dot.error or 0), dot.bits + (dot.error or 0))]
    margin = _MARGIN * (max(ends) - min(ends)) or 0.5
    axis = Axis(min(ends) - margin, max(ends) + margin, 0, 100)
    drawn = [
        {
            "dot": dot,
            "position": round(axis.position(dot.bits), 2),
            "bar": [round(axis.position(dot.bits + side * dot.error), 2) for side in (-1, 1)] if dot.error else None,
        }
        for dot in sorted(dots, key=lambda dot: -dot.bits)
    ]
    ticks = [(round(axis.position(tick), 2), number(tick)) for tick in axis.ticks(4)]
    html = render(
        "scores.html",
        dots=drawn,
        ticks=ticks,
        low=axis.low,
        barred=any(dot.error for dot in dots),
        table=table,
        apart_title=NOT_COMPARABLE,
        notes=notes,
    )
    return HtmlPart(html, styles=("scores.css",))
