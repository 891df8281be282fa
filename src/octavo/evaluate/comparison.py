"""Rank a score among its baselines, and state which figures are optimistic or not comparable."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate.baselines import Baseline
from octavo.evaluate.compressors import COMPRESSORS
from octavo.evaluate.evaluation import LOSSY_CAVEAT, Evaluation
from octavo.evaluate.overlap import MIN_REPORTED, TrainOverlap
from octavo.system.terminal import quantity

THIS_MODEL = "this model"
TIME_CAVEAT = "time includes learning and scoring; compressors also learn from the text that they score"
NOT_COMPARABLE = "computed on the full text with its white space; not comparable with the rows above"


@dataclass(frozen=True)
class ScoreRow:
    """The score of one of the models."""

    name: str
    nats_per_token: float | None  # of the run's tokenizer; None: the model does not predict tokens
    nats_per_character: float
    bits_per_character: float
    seconds: float  # to learn and to score


@dataclass(frozen=True)
class ScoreRanking:
    """The models from the worst to the best.

    The rows `not_comparable` are of models that also predict the text that the run's tokenizer drops: they are only
    comparable with each other.
    """

    rows: tuple[ScoreRow, ...]
    not_comparable: tuple[ScoreRow, ...] = ()


def rank_scores(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float = 0.0) -> ScoreRanking:
    """Rank the model, named THIS_MODEL, among the baselines; its time includes `training_seconds`."""
    rows = [_row(THIS_MODEL, score, score.nats_per_token, training_seconds + score.seconds)]
    rows += [_row(b.name, b, b.nats_per_token, b.seconds) for b in baselines]
    rows.sort(key=lambda row: -row.nats_per_character)
    if score.lossless_tokenizer:
        return ScoreRanking(tuple(rows))
    return ScoreRanking(
        tuple(row for row in rows if row.nats_per_token is not None),
        tuple(row for row in rows if row.nats_per_token is None),
    )


def _row(name: str, score: Evaluation | Baseline, nats_per_token: float | None, seconds: float) -> ScoreRow:
    return ScoreRow(name, nats_per_token, score.nats_per_character, score.bits_per_character, seconds)


def protocol_description(score: Evaluation) -> str:
    """Return the windows of a score in words."""
    if score.protocol == "disjoint":
        windows = f"disjoint: chunks of {quantity(score.window_characters, 'character')}, each with an empty context"
    else:
        windows = f"sliding: windows of {quantity(score.context_length, 'token')}, {score.stride} apart"
    return f"{windows}; {ends_in_words(score)}" if score.document_ends else windows


def ends_in_words(score: Evaluation) -> str:
    """Return how many ends of documents are scored."""
    return f"{quantity(score.document_ends, 'end')} of documents scored, each as one character"


def caveats(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """Return why figures are optimistic or not comparable, in sentences without a full stop.

    Args:
        score: the score.
        baselines: its baselines.
        overlap: of the text with the training split; None: the text is the training split.
    """
    found: list[str] = []
    notes: dict[str, list[str]] = {}
    for baseline in baselines:
        notes.setdefault(baseline.note, []).append(baseline.name)
    found += [f"{note}: {', '.join(names)}" for note, names in notes.items() if note]
    computed = {baseline.name for baseline in baselines}
    absent = [compressor for compressor in COMPRESSORS if computed and compressor.name not in computed]
    found += [f"{one.name} is left out: {why}" for one in absent if (why := one.unavailable_reason)]
    if overlap is None:
        found.append("the model was trained on this text: the score measures memorisation, not generalisation")
        found.append("the baselines are left out: they would learn from the text that they score")
    elif overlap.fraction >= MIN_REPORTED:
        searched = "this text"
        if overlap.characters != score.characters - score.document_ends:
            searched = f"its first {overlap.characters:,} characters"
        found.append(
            f"{overlap.fraction:.0%} of {searched} is verbatim in the training split, in spans of "
            f"{overlap.min_length} characters or more: the scores are optimistic"
        )
    if score.selected_on_this_text:
        found.append("early stopping selected the model by its loss on this text: the score is optimistic")
    if not score.lossless_tokenizer:
        found.append(LOSSY_CAVEAT)
    return found
