"""The rules of the diagnosis: each finds one problem of a run, or nothing.

A rule takes a :class:`~octavo.evaluate.diagnosis.case.Case` and returns a :class:`Finding` with the figures that it
rests on, or None. The thresholds of a rule stand above it, with their unit and reason.
"""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from octavo.config import ScheduleConfig
from octavo.evaluate import Memorisation
from octavo.evaluate.diagnosis.advice import MORE_TEXT
from octavo.evaluate.diagnosis.case import Case, Finding, ValidationPoint, is_better
from octavo.evaluate.overlap import MIN_REPORTED
from octavo.system.terminal import quantity

# By baseline, the worst first: the words for a model that scores about the same, for one that scores worse, the fix.
BASELINE_FINDINGS = {
    "uniform": (
        "the model predicts no better than the uniform distribution over its vocabulary",
        "the model predicts worse than the uniform distribution over its vocabulary",
        "check whether the training loss falls: raise optimizer.learning_rate, or give the run more steps",
    ),
    "unigram": (
        "the model has learned the frequency of each token and nothing else",
        "the model has not learned the frequency of each token",
        "look at the training loss: if it never fell, give the run more steps or another learning rate; if it "
        "fell and rose again, the model lost what it had learned",
    ),
    "bigram": (
        "the model has learned which token follows which and nothing else",
        "the model has not learned which token follows which",
        "give the run more steps; if the loss no longer falls, raise optimizer.learning_rate or the model's size",
    ),
    "n-gram": (
        "a table of character n-grams predicts this text as well as the model",
        "a table of character n-grams predicts this text better than the model",
        "give the run a larger budget, or more text",
    ),
}
# For a model that has learned its training text; the fix is then MORE_TEXT.
_NOT_GENERAL = "the model has learned its training text, but this does not carry over to the validation split"
_CLEARLY = 0.9  # times the baseline's loss
_ABOUT = 1.01  # times the baseline's loss


def compare_with_baselines(case: Case) -> Finding | None:
    """Find the worst baseline that the model does not beat."""
    for name, (equal, worse, fix) in BASELINE_FINDINGS.items():
        baseline = case.baseline_losses.get(name)
        if baseline is not None and not is_better(case.loss, baseline):
            words = worse if case.loss > _ABOUT * baseline else equal
            if name != "n-gram" and _has_learned(case, baseline):
                words, fix = _NOT_GENERAL, MORE_TEXT
            return Finding(
                f"no better than {name}",
                "note" if name == "n-gram" else "error",
                f"{words}: {case.bits(case.loss):.3f} bits per character, where the {name} baseline needs "
                f"{case.bits(baseline):.3f}",
                fix,
                {"loss": case.loss, name: baseline},
            )
    return None


def _has_learned(case: Case, baseline: float) -> bool:
    """Return whether the loss on the training split is clearly below the baseline, or the model overfits."""
    if not case.points:
        return False
    return case.points[-1].train_loss < _CLEARLY * baseline or overfitting(case) is not None


_FIRST_FRACTION = 0.2  # of the budget: before, the curve is steeper than later
_MIN_POINTS = 6  # validation points
_MIN_GAIN = 0.02  # nats per token
_SLOPE_ERRORS = 2.0  # standard errors that the slope must be from zero


def underfitting(case: Case) -> Finding | None:
    """Find a loss that was still falling when the budget ended, and estimate the gain of twice the budget.

    At a constant learning rate the loss falls about linearly with the logarithm of the step, or more slowly. If the
    schedule lowers the rate towards the end, twice the budget also doubles the phase before the decay, so the slope
    there counts; the decay phase lowers the loss of both runs.
    """
    if not case.ended or not case.points:
        return None
    last, end = case.points[-1].step, _constant_fraction(case.config.schedule)
    points = [point for point in case.points if _FIRST_FRACTION <= point.step / last <= end]
    if len(points) < _MIN_POINTS:
        return None
    middle = len(points) // 2
    (early_slope, _), (slope, error) = _slope(points[: middle + 1]), _slope(points[middle:])
    flattening = min(1.0, slope / early_slope) if early_slope > 0 else 1.0  # is assumed to continue
    gain = slope * flattening * math.log(2)
    if gain < _MIN_GAIN or slope < _SLOPE_ERRORS * error:
        return None
    return Finding(
        "underfitting",
        "note",
        f"the loss on the {case.split_label} was still falling when the budget ended; twice the budget would lower "
        f"it by about {case.bits(gain):.3f} bits per character (an estimate from the slope of {len(points)} "
        "validation points against the logarithm of the step)",
        "train longer, if that gain is worth it",
        {"gain_nats_per_token": gain, "gain_nats_per_character": gain * case.tokens_per_character},
    )


def _constant_fraction(schedule: ScheduleConfig) -> float:
    """Return the fraction of the budget up to which the learning rate is about that of a longer run."""
    return {"constant": 1.0, "trapezoid": 1.0 - schedule.decay, "cosine": 0.6}[schedule.kind]


def _slope(points: Sequence[ValidationPoint]) -> tuple[float, float]:
    """Return the loss that each e-fold of steps removes, by least squares, and its standard error."""
    x, y = np.log([point.step for point in points]), [point.loss for point in points]
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    return -float(slope), math.sqrt(covariance[0, 0])


_OVERFITTING_RISE = 0.03  # nats per token: more than the noise of a validation pass over the same windows
_RECENT = 3  # validation points whose median stands for the end


def overfitting(case: Case) -> Finding | None:
    """Find a validation loss that rose from its minimum while the loss on the training split continued to fall.

    Of a calibrated run the last point alone counts: before, the loss rises because predictions are too sure.
    """
    calibrated = case.config.train.calibrate
    if len(case.points) <= _RECENT or (calibrated and not case.ended):
        return None
    onset = min(case.points, key=lambda point: point.loss)
    recent = case.points[-1:] if calibrated else case.points[-_RECENT:]
    loss, train_loss = median(point.loss for point in recent), median(point.train_loss for point in recent)
    if onset in recent or loss < onset.loss + _OVERFITTING_RISE or train_loss >= onset.train_loss:
        return None
    kept = ", whose weights were kept," if case.early_stopped else ""
    stop = "" if calibrated else "stop there (train.patience), "  # a calibrated run cannot do both
    return Finding(
        "overfitting",
        "warning",
        f"the loss on the {case.split_label} was lowest at step {onset.step:,}{kept} and rose from "
        f"{case.bits(onset.loss):.3f} to {case.bits(loss):.3f} bits per character, while the loss on the training "
        f"split fell by another {1 - train_loss / onset.train_loss:.0%}",
        "" if kept else f"{stop}use more text or more dropout, or a smaller model",
        {
            "onset_step": onset.step,
            "lowest_loss": onset.loss,
            "train_loss_there": onset.train_loss,
            "last_loss": loss,
            "last_train_loss": train_loss,
        },
    )


_COLLAPSE_RISE = 0.05  # nats per token above the minimum: more than validation points vary by
_SHRUNK = 0.7  # of the largest weight norm


def collapse(case: Case) -> Finding | None:
    """Find a loss that returned to the unigram baseline, or a model held there by shrinking weights.

    Two validation points in a row must be there, because one may be a spike, and the loss on the training split must
    be there too: a model that predicts its training text well and other text badly overfits.

    The usual cause is weight decay as L2 inside Adam. Adam divides each gradient by its own magnitude, and with it
    the decay that was added. Where gradients are small, decay moves the weights at the full learning rate, until
    only the output bias is left (coupled and decoupled weight decay: Loshchilov & Hutter, 2019).
    """
    baseline = case.baseline_losses.get("unigram")
    if baseline is None or len(case.points) < 2:
        return None
    if any(is_better(min(point.loss, point.train_loss), baseline) for point in case.points[-2:]):
        return None
    lowest, last = min(case.points, key=lambda point: point.loss), case.points[-1]
    largest_norm = max(point.weight_norm for point in case.points)
    # A model whose loss never was below the baseline has not lost anything.
    rose = is_better(lowest.loss, baseline) and last.loss > lowest.loss + _COLLAPSE_RISE
    shrank = last.weight_norm < _SHRUNK * largest_norm
    if not rose and not shrank:
        return None
    words = (
        f"the loss on the {case.split_label} fell to {case.bits(lowest.loss):.3f} bits per character by step "
        f"{lowest.step:,} and rose back to {case.bits(last.loss):.3f}; the unigram baseline needs "
        f"{case.bits(baseline):.3f}"
        if rose
        else f"the loss on the {case.split_label} is not below the unigram baseline of {case.bits(baseline):.3f} "
        "bits per character"
    )
    if shrank:
        words += f", while the weight norm shrank from {largest_norm:.0f} to {last.weight_norm:.0f}"
    if case.early_stopped:
        words += "; the weights of the best validation point were kept"
    figures = {
        "lowest_loss": lowest.loss,
        "lowest_step": lowest.step,
        "last_loss": last.loss,
        "unigram": baseline,
        "longest_weights": largest_norm,
        "last_weights": last.weight_norm,
    }
    return Finding("collapse", "warning" if case.early_stopped else "error", words, _fix(case, shrank), figures)


def _fix(case: Case, shrank: bool) -> str:
    optimizer = case.config.optimizer
    if shrank and optimizer.kind == "adam" and optimizer.weight_decay:
        return (
            f"optimizer.kind=adam adds optimizer.weight_decay={optimizer.weight_decay:g} to the gradient as L2, and "
            "Adam's scaling lets it outweigh the gradient of the loss: decouple it with optimizer.kind=adamw, or set "
            "optimizer.weight_decay=0"
        )
    if shrank and optimizer.weight_decay:
        return f"lower optimizer.weight_decay={optimizer.weight_decay:g}"
    return "lower the learning rate (optimizer.learning_rate): an update was too large"


_MORE_COPIED = 0.05  # of the 8-word sequences, above the fraction of validation text
_TIMES_LONGER = 2.0  # times the longest copied run of validation text …
_LONG_RUN = 100  # … and at least so many characters: a refrain or a name is shorter


def memorisation_finding(case: Case) -> Finding | None:
    """Find generated text that copies the training split."""
    measured = case.memorisation
    if measured is None:
        return None
    generated, held_out, units = measured.generated, measured.held_out, _units(measured)
    fraction, usual = generated.fraction_found or 0.0, held_out.fraction_found or 0.0
    has_long_copies = generated.longest_run >= max(_LONG_RUN, _TIMES_LONGER * held_out.longest_run)
    if fraction < usual + _MORE_COPIED and not has_long_copies:
        return None
    return Finding(
        "memorised",
        "warning",
        f"{fraction:.1%} of the sequences of 8 {units} in generated text are verbatim in the training split "
        f"(validation split: {usual:.1%}), and the longest copied run has "
        f"{quantity(generated.longest_run, 'character')} (validation split: {held_out.longest_run})",
        "use more text, a smaller budget, more dropout or a smaller model",
        {
            "share_found": fraction,
            "share_found_held_out": usual,
            "longest_run": generated.longest_run,
            "longest_run_held_out": held_out.longest_run,
        },
    )


def memorisation_line(measured: Memorisation) -> str:
    """Return the figures of :func:`memorisation_figures` with a title, on one line."""
    return f"copied from the training split: {memorisation_figures(measured)}"


def memorisation_figures(measured: Memorisation) -> str:
    """Return how much of the generated texts is copied, and of as much text of the validation split."""
    generated, held_out, units = measured.generated, measured.held_out, _units(measured)
    sequences = [
        f"no sequence of 8 {units}"
        if stats.fraction_found is None
        else f"{stats.fraction_found:.1%} of sequences of 8 {units}"
        for stats in (generated, held_out)
    ]
    longest = quantity(generated.longest_run, "character")
    return f"longest run {longest}, {sequences[0]} (validation split: {held_out.longest_run}, {sequences[1]})"


def _units(measured: Memorisation) -> str:
    """Return what white space separates: words, or tokens where the tokenizer is lossy."""
    return "words" if measured.lossless_tokenizer else "tokens"


_LARGE_OVERLAP = 0.3  # the score then says little; the boilerplate of manual pages is a quarter of them
_MIN_SHIFT = 0.15  # above the cost of training text; the last plays of Shakespeare cost 5 % more than the others
_SHIFT_ERRORS = 3.0  # standard errors


def overlap_finding(case: Case) -> Finding | None:
    """Find validation text that is also in the training split, whatever the model is."""
    overlap = case.overlap
    if overlap is None or overlap.fraction < MIN_REPORTED:
        return None
    is_large = overlap.fraction >= _LARGE_OVERLAP
    return Finding(
        "overlap",
        "warning" if is_large else "note",
        f"{overlap.fraction:.0%} of the validation split is verbatim in the training split, in spans of "
        f"{overlap.min_length} characters or more: the scores are optimistic",
        "remove the copies from the text, then train on the rest" if is_large else "",
        {"share": overlap.fraction, "stretch": float(overlap.min_length)},
    )


def shift_finding(case: Case) -> Finding | None:
    """Find a validation split that differs in kind from the training split, whatever the model is."""
    shift = case.shift
    if (
        shift is None
        or shift.excess < _MIN_SHIFT
        or shift.held_out - shift.train < _SHIFT_ERRORS * shift.standard_error
    ):
        return None
    train, held_out = (nats / math.log(2) for nats in (shift.train, shift.held_out))
    return Finding(
        "distribution shift",
        "warning",
        "the validation split differs in kind from the training split: a character trigram model that learns from "
        f"one half of the training split needs {train:.3f} bits per character for the other half and {held_out:.3f} "
        "for the validation split, so the score tells more about that difference than about the model",
        "shuffle the lines or documents of the text, unless their order is what you want to test",
        {"train_nats": shift.train, "held_out_nats": shift.held_out, "standard_error": shift.standard_error},
    )
