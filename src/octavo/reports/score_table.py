"""The score of a run among its baselines as a table, and the notes that belong to it, for pages and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import Baseline, Evaluation, TrainOverlap
from octavo.evaluate.comparison import TIME_CAVEAT, ScoreRow, caveats, protocol_description, rank_scores
from octavo.system.terminal import capitalize_first, duration, quantity

_HEAD = ("model", "bits per character", "nats per character", "nats per token", "time")


@dataclass(frozen=True)
class ScoreTable:
    """Rows below a head, and rows `apart` that are not comparable with them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    apart: Sequence[Sequence[str]] = ()
    caption: str = ""


def score_table(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float) -> ScoreTable:
    """Return the model and its baselines, from the worst to the best."""
    comparison = rank_scores(score, baselines, training_seconds)
    rows, apart = ([_cells(row) for row in rows] for rows in (comparison.rows, comparison.not_comparable))
    return ScoreTable(_HEAD, rows, apart, _sentence(TIME_CAVEAT) if baselines else "")


def score_notes(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """Return the text and protocol of a score, its standard error and perplexity, and its caveats, in sentences."""
    error = score.standard_error_bits_per_character
    return [
        f"The score is of all {quantity(score.characters, 'character')} of the validation split, each counted once "
        f"({quantity(score.tokens, 'token')}; {protocol_description(score)})."
        if score.own_text and score.text == "validation"
        else f"The text is {score.text}: {quantity(score.characters, 'character')} ({protocol_description(score)}).",
        "There is no standard error: the text is too short for one."
        if error is None
        else f"The standard error, {error:.3f} bits, is from the choice of text.",
        f"Perplexity is {score.perplexity_per_token:.2f} per token of this run's tokenizer, which is not comparable "
        "with the perplexity of another tokenizer.",
        *map(_sentence, caveats(score, baselines, overlap)),
    ]


def _cells(row: ScoreRow) -> list[str]:
    return [
        row.name,
        f"{row.bits_per_character:.4f}",
        f"{row.nats_per_character:.4f}",
        "" if row.nats_per_token is None else f"{row.nats_per_token:.4f}",
        f"{row.seconds:.1f} s" if row.seconds < 60 else duration(row.seconds),
    ]


def _sentence(note: str) -> str:
    return f"{capitalize_first(note)}."
