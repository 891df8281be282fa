"""A score among those of simpler models: which figures compare, and why one flatters or compares with nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.evaluate.baselines import Baseline
from octavo.evaluate.compressors import COMPRESSORS
from octavo.evaluate.evaluation import LOSSY_CAVEAT, Evaluation
from octavo.evaluate.overlap import TrainOverlap
from octavo.system.terminal import quantity

THIS_MODEL = "this model"
TIME_CAVEAT = "time: to learn and to score; compressors learn also from what they score"
NOT_COMPARABLE = "of all the text, white space too: compares with nothing above"
_OVERLAP = 0.01  # share of a text from which on it matters that the training part holds it


@dataclass(frozen=True)
class ScoreRow:
    """What one of the models needs for a text."""

    name: str
    nats_per_token: float | None  # of the run's tokenizer; None: it does not predict tokens
    nats_per_character: float
    bits_per_character: float
    seconds: float  # to learn and to score


@dataclass(frozen=True)
class ScoreRanking:
    """The models from the worst to the best.

    Those `apart` predict text that the run's tokenizer leaves out: they compare with each other alone.
    """

    rows: tuple[ScoreRow, ...]
    not_comparable: tuple[ScoreRow, ...] = ()


def rank_scores(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float = 0.0) -> ScoreRanking:
    """The model, named THIS_MODEL, among the baselines."""
    standings = [_standing(THIS_MODEL, score, score.nats_per_token, training_seconds + score.seconds)]
    standings += [_standing(b.name, b, b.nats_per_token, b.seconds) for b in baselines]
    ordered = sorted(standings, key=lambda one: -one.nats_per_character)
    if score.lossless_tokenizer:
        return ScoreRanking(tuple(ordered))
    return ScoreRanking(
        tuple(one for one in ordered if one.nats_per_token is not None),
        tuple(one for one in ordered if one.nats_per_token is None),
    )


def _absent_compressors(baselines: Sequence[Baseline]) -> dict[str, str]:
    """Return why each compressor without a figure has none here; nothing where no baselines were computed."""
    names = {baseline.name for baseline in baselines}
    without = [compressor for compressor in COMPRESSORS if names and compressor.name not in names]
    return {compressor.name: why for compressor in without if (why := compressor.unavailable_reason)}


def _standing(name: str, score: Evaluation | Baseline, nats_per_token: float | None, seconds: float) -> ScoreRow:
    return ScoreRow(name, nats_per_token, score.nats_per_character, score.bits_per_character, seconds)


def protocol_description(score: Evaluation) -> str:
    """How the text was read when it was scored."""
    if score.protocol == "disjoint":
        return f"disjoint: pieces of {quantity(score.window_characters, 'character')}, each from an empty context"
    return f"sliding: windows of {quantity(score.context_length, 'token')}, {score.stride} apart"


def caveats(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """Why a figure flatters, or compares with nothing. Without an `overlap` the text is the training part."""
    said: list[str] = []
    notes: dict[str, list[str]] = {}
    for baseline in baselines:
        notes.setdefault(baseline.note, []).append(baseline.name)
    said += [f"{note}: {', '.join(names)}" for note, names in notes.items() if note]
    said += [f"{name} is left out: {why}" for name, why in _absent_compressors(baselines).items()]
    if overlap is None:
        said.append("the model was trained on this text: the score says what it remembers, not how good it is")
        said.append("the baselines are left out: they would learn from this very text")
    elif overlap.fraction >= _OVERLAP:
        whole = (
            "this text" if overlap.characters == score.characters else f"its first {overlap.characters:,} characters"
        )
        said.append(
            f"{overlap.fraction:.0%} of {whole} stands word for word in the training part, in stretches of "
            f"{overlap.min_length} characters or more: the scores flatter"
        )
    if score.selected_on_this_text:
        said.append(
            "selected on this text: early stopping chose the model by its loss here, so the score flatters it"
        )
    if not score.lossless_tokenizer:
        said.append(LOSSY_CAVEAT)
    return said
