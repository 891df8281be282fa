"""The verdict on a run: its score in two sentences that need no prior knowledge."""

from collections.abc import Sequence

from octavo.evaluate import Baseline
from octavo.evaluate.baselines import TOKEN_KINDS
from octavo.reports.score_table import Score

_TIE = 0.005  # bits per character. All read the same text, so the choice of the text cancels out of a difference


def verdict(score: Score) -> str:
    """Say how well a model predicts, and how that compares with its baselines: those that count, and compressors.

    Baselines that the score is not comparable with are left out, and the second sentence says so.
    """
    evaluation = score.evaluation
    bits = evaluation.bits_per_character
    lossless = evaluation.lossless_tokenizer
    comparable = [one for one in score.baselines if lossless or one.kind in TOKEN_KINDS]
    counting = [one for one in comparable if one.kind != "compressor"]
    learning = [one for one in comparable if one.kind == "compressor"]
    where = "of text that it was not trained on"
    if evaluation.selected_on_this_text:
        where += ", though training stopped where it did best on this text"
    first = f"The model needs {bits:.3f} bits, answers to yes-or-no questions, to predict a character {where}"
    if not counting:
        return f"{first}; fewer is better. It has not been compared with simpler models: evaluate the run to do so."
    best = _best(counting)
    relation = _relation(bits, best)
    simple = "simpler model that counts its training text and does not learn while it reads"
    what = {
        "fewer": f"fewer than every {simple}",
        "as many": f"about as many as the best {simple}",
        "more": f"more than the best {simple}",
    }[relation]
    return f"{first}: {what} ({_named(best)}). {_compressors(bits, learning, lossless)}"


def _compressors(bits: float, learning: Sequence[Baseline], lossless: bool) -> str:
    """Return the second sentence."""
    if not lossless:
        return (
            "Compression programs are no comparison here, because this model's tokens leave out a part of the text."
        )
    if not learning:
        return "It has not been compared with compression programs, which go on learning while they read."
    best = _best(learning)
    beaten = sum(_relation(bits, one) == "fewer" for one in learning)
    if beaten == len(learning):
        return f"It is better, too, than compression programs, which go on learning while they read ({_named(best)})."
    words = "differs little from" if _relation(bits, best) == "as many" else "is worse than"
    others = f", and better than {beaten} of {len(learning)} of them" if beaten else ""
    return (
        f"It {words} the best of the compression programs, which go on learning while they read "
        f"({_named(best)}){others}."
    )


def _best(baselines: Sequence[Baseline]) -> Baseline:
    return min(baselines, key=lambda one: one.bits_per_character)


def _named(best: Baseline) -> str:
    return f"the best is {best.name} with {best.bits_per_character:.3f}"


def _relation(bits: float, other: Baseline) -> str:
    """Return whether the model needs "fewer", "as many" or "more" bits than a baseline."""
    difference = bits - other.bits_per_character
    if abs(difference) <= _TIE:
        return "as many"
    return "fewer" if difference < 0 else "more"
