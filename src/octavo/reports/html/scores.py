"""Scores on one scale: a dot a row, in bits per character of the same text, the best below.

The scale is even, for bits are lengths, whose differences add up: a broken or a logarithmic one would make a small
step look large. It need not begin at 0, since a dot is read by where it is, not by how long anything is (Cleveland &
McGill, 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import Baseline, Evaluation, TrainOverlap
from octavo.evaluate.comparison import (
    NOT_COMPARABLE,
    THIS_MODEL,
    TIME_CAVEAT,
    ScoreRow,
    caveats,
    protocol_description,
    rank_scores,
)
from octavo.reports.html.axis import Axis, number
from octavo.reports.html.page import HtmlPart, render
from octavo.system.terminal import capitalized, counted, duration

_HEAD = ("model", "bits per character", "nats per character", "nats per token", "time")
_ROOM = 0.08  # of the scale's length, beyond the outermost dots


@dataclass(frozen=True)
class Dot:
    """One row: a name, a score in bits per character, and its standard error if there is one."""

    name: str
    bits: float
    error: float | None = None
    model: bool = False  # it was trained here; the others are what it has to beat


@dataclass(frozen=True)
class Figures:
    """A table: rows below a head, and those `apart`, which compare with none of them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    apart: Sequence[Sequence[str]] = ()
    caption: str = ""


def scores_part(
    score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None, *, training_seconds: float = 0.0
) -> HtmlPart:
    """A run's score among those of simpler models, and what the figures leave out, in words.

    Where the run's tokenizer loses text, models of all the text stand in the table alone: no scale holds both.
    """
    found = rank_scores(score, baselines, training_seconds)
    error = score.standard_error_bits_per_character
    dots = [
        Dot(one.name, one.bits_per_character, error if model else None, model)
        for one in found.rows
        for model in [one.name == THIS_MODEL]
    ]
    rows, apart = ([_cells(one) for one in standings] for standings in (found.rows, found.not_comparable))
    return dots_part(
        dots,
        Figures(_HEAD, rows, apart, _sentence(TIME_CAVEAT) if baselines else ""),
        score_notes(score, baselines, overlap),
    )


def dots_part(dots: Sequence[Dot], figures: Figures, notes: Sequence[str] = ()) -> HtmlPart:
    """Dots from the worst to the best, behind a button the table of all figures, and notes."""
    ends = [edge for dot in dots for edge in (dot.bits - (dot.error or 0), dot.bits + (dot.error or 0))]
    room = _ROOM * (max(ends) - min(ends)) or 0.5
    axis = Axis(min(ends) - room, max(ends) + room, 0, 100)
    drawn = [
        {
            "dot": dot,
            "place": round(axis.place(dot.bits), 2),
            "bar": [round(axis.place(dot.bits + side * dot.error), 2) for side in (-1, 1)] if dot.error else None,
        }
        for dot in sorted(dots, key=lambda dot: -dot.bits)
    ]
    ticks = [(round(axis.place(tick), 2), number(tick)) for tick in axis.ticks(4)]
    html = render(
        "scores.html",
        dots=drawn,
        ticks=ticks,
        low=axis.low,
        barred=any(dot.error for dot in dots),
        figures=figures,
        apart_words=NOT_COMPARABLE,
        notes=notes,
    )
    return HtmlPart(html, styles=("scores.css",))


def _cells(one: ScoreRow) -> list[str]:
    return [
        one.name,
        f"{one.bits_per_character:.4f}",
        f"{one.nats_per_character:.4f}",
        "" if one.nats_per_token is None else f"{one.nats_per_token:.4f}",
        f"{one.seconds:.1f} s" if one.seconds < 60 else duration(one.seconds),
    ]


def score_notes(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """What was scored and how, what else is known of the score, and why it flatters or compares with nothing."""
    error = score.standard_error_bits_per_character
    return [
        f"Every one of {counted(score.characters, 'character')} of the held-out text counts once "
        f"({counted(score.tokens, 'token')}; {protocol_description(score)})."
        if score.own_text and score.text == "validation"
        else f"The text is {score.text}: {counted(score.characters, 'character')} ({protocol_description(score)}).",
        "There is no standard error: the text is too short for one."
        if error is None
        else f"The standard error, {error:.3f} bits, is from the choice of text.",
        f"Perplexity is {score.perplexity_per_token:.2f} per token of this run's tokenizer: figures per token "
        "compare with no other's.",
        *map(_sentence, caveats(score, baselines, overlap)),
    ]


def _sentence(note: str) -> str:
    return f"{capitalized(note)}."
