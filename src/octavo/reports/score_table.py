"""The score of a run among its baselines as a block of a report, and the cells of a model in any table of scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate import Baseline, Evaluation, TrainOverlap, comparison
from octavo.reports.blocks import Dot, ScoreDots, Table, sentence
from octavo.system.terminal import duration, quantity

_HEAD = ("model", "bits per character", "nats per character", "nats per token", "time")


@dataclass(frozen=True)
class Score:
    """The score of a run with its baselines."""

    evaluation: Evaluation
    baselines: Sequence[Baseline]  # empty: not computed
    overlap: TrainOverlap
    training_seconds: float = 0.0


def score_dots(score: Score) -> ScoreDots:
    """Return the model and its baselines on one scale, their table from the worst to the best, and its notes.

    Where the run's tokenizer is lossy, baselines of the full text are only in the table: they are not comparable.
    """
    evaluation, baselines = score.evaluation, score.baselines
    ranking = comparison.rank_scores(evaluation, baselines, score.training_seconds)
    error = evaluation.standard_error_bits_per_character
    dots = [
        Dot(row.name, row.bits_per_character, error if this_model else None, this_model)
        for row in ranking.rows
        for this_model in [row.name == comparison.THIS_MODEL]
    ]
    rows, apart = ([score_cells(row) for row in rows] for rows in (ranking.rows, ranking.not_comparable))
    table = Table(_HEAD, rows, sentence(comparison.TIME_CAVEAT) if baselines else "", apart)
    return ScoreDots(dots, table, _notes(evaluation, baselines, score.overlap))


def best_baseline(score: Evaluation, baselines: Sequence[Baseline]) -> Baseline | None:
    """Return the comparable baseline with the fewest bits per character; None for a lossy tokenizer."""
    comparable = baselines if score.lossless_tokenizer else []
    return min(comparable, key=lambda baseline: baseline.bits_per_character, default=None)


def score_cells(row: comparison.ScoreRow) -> list[str]:
    """Return the name, the score in three units and the time of a model."""
    return [
        row.name,
        f"{row.bits_per_character:.4f}",
        f"{row.nats_per_character:.4f}",
        "" if row.nats_per_token is None else f"{row.nats_per_token:.4f}",
        f"{row.seconds:.1f} s" if row.seconds < 60 else duration(row.seconds),
    ]


def _notes(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap) -> list[str]:
    """Return the text and protocol of a score, its standard error and perplexity, and its caveats, in sentences."""
    error, protocol = score.standard_error_bits_per_character, comparison.protocol_description(score)
    return [
        f"The score is of all {quantity(score.characters, 'character')} of the validation split, each counted once "
        f"({quantity(score.tokens, 'token')}; {protocol})."
        if score.own_text and score.text == "validation"
        else f"The text is {score.text}: {quantity(score.characters, 'character')} ({protocol}).",
        "There is no standard error: the text is too short for one."
        if error is None
        else f"The standard error, {error:.3f} bits, is from the choice of text.",
        f"Perplexity is {score.perplexity_per_token:.2f} per token of this run's tokenizer, which is not comparable "
        "with the perplexity of another tokenizer.",
        *map(sentence, comparison.caveats(score, baselines, overlap)),
    ]
