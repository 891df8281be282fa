"""Is the model better than counting? Against the unigram, the bigram and the n-gram model, from the lowest up.

Underfitting: the loss was still falling when the budget ended, and an estimate of what more would bring.

Over a stretch of training at one learning rate the loss falls about linearly with the logarithm of the step, or
slower. Where the schedule lowers the rate towards the end, a budget twice as long lengthens the stretch before by as
much, so the slope there is what counts; the fall of the rate adds its share to both.

Overfitting: from some step on, the model gets better on its own text and worse on any other.

Collapse: a model that had learned something is back at token frequencies.

The usual cause is weight decay as L2 inside Adam. Adam divides every gradient by its own size, and with it the decay
that was added; where gradients are small, decay moves the weights at the full learning rate, until nothing but the
output's bias is left (coupled and decoupled decay: Loshchilov & Hutter, 2019).

Memorised: what the model writes stands in its training text far more than held-out text does.

Find what is wrong with the held-out text: it stands in the training part, or is of another kind.

Both follow from the text alone. They say what a score is worth, whatever the model is.
"""

import math
from collections.abc import Sequence
from statistics import median

from octavo.config import ScheduleConfig
from octavo.evaluate import Memorisation
from octavo.evaluate.diagnosis.advice import MORE_TEXT
from octavo.evaluate.diagnosis.case import Case, Finding, ValidationPoint, is_better
from octavo.system.terminal import counted

# What a model knows that scores about like the floor; what one knows that scores worse.
_WORDS = {
    "uniform": ("it does no better than guessing every token alike", "it does worse than guessing every token alike"),
    "unigram": (
        "it has learned how frequent each token is, and nothing else",
        "it has not even learned how frequent each token is",
    ),
    "bigram": (
        "it knows no more than which token follows which",
        "it does not yet know as much as which token follows which",
    ),
    "n-gram": (
        "a table of letter counts predicts this text as well",
        "a table of letter counts predicts this text better",
    ),
}
_CLEARLY = 0.9  # times the floor
# True of a model that has learned its training text; the fix is then MORE_TEXT.
_LEARNED = "what it has learned of its training text does not carry over to held-out text"
_FIX = {
    "uniform": "look whether the training loss moves at all: raise optimizer.learning_rate, or give it more steps",
    "unigram": "look at the training curve first: one that never fell wants more steps or another learning rate, one "
    "that fell and rose again has lost what it knew",
    "bigram": "give it more steps; if the curve is flat, raise optimizer.learning_rate or the model's size",
    "n-gram": "give it a larger budget, or more text",
}
_ABOUT = 1.01  # times the floor


def compare_with_baselines(case: Case) -> Finding | None:
    """The lowest floor that the model does not beat."""
    for name, (like, worse) in _WORDS.items():
        floor = case.floors.get(name)
        if floor is not None and not is_better(case.loss, floor):
            words, fix = worse if case.loss > _ABOUT * floor else like, _FIX[name]
            if name != "n-gram" and _learned(case, floor):
                words, fix = _LEARNED, MORE_TEXT
            return Finding(
                f"no better than {name}",
                "note" if name == "n-gram" else "error",
                f"{words}: {case.loss:.4f} nats a token, where the {name} model needs {floor:.4f}",
                fix,
                {"loss": case.loss, name: floor},
            )
    return None


def _learned(case: Case, floor: float) -> bool:
    """Return whether the training text costs the model clearly less than the floor, or it overfits."""
    return bool(case.looks) and (case.looks[-1].train_loss < _CLEARLY * floor or overfitting(case) is not None)


_FROM = 0.2  # share of the budget: before, the curve is steeper than what follows
_FEWEST = 6  # looks
_WORTH = 0.02  # nats per token
_SLOPE_ERRORS = 2.0  # standard errors from zero, or the looks say nothing


def underfitting(case: Case) -> Finding | None:
    """What twice the budget would bring, if that is worth having; of a run that came to its budget's end."""
    if not case.ended:
        return None
    last, end = (case.looks[-1].step if case.looks else 0), _flat_until(case.config.schedule)
    looks = [look for look in case.looks if _FROM <= look.step / last <= end]
    if len(looks) < _FEWEST:
        return None
    middle = len(looks) // 2
    (before, _), (slope, error) = _fall(looks[: middle + 1]), _fall(looks[middle:])
    flattens = min(1.0, slope / before) if before > 0 else 1.0  # goes on doing so
    gain = slope * flattens * math.log(2)
    if gain < _WORTH or slope < _SLOPE_ERRORS * error:
        return None
    per_character = gain * case.tokens_per_character
    return Finding(
        "underfitting",
        "note",
        f"{case.part} loss was still falling when the budget ended; an extrapolation says that twice the budget "
        f"would bring about {per_character:.3f} nats a character (an estimate, from the slope of {len(looks)} looks "
        "against the logarithm of the step)",
        "train longer, if that is worth it",
        {"gain_nats_per_token": gain, "gain_nats_per_character": per_character},
    )


def _flat_until(schedule: ScheduleConfig) -> float:
    """The share of the budget up to which the learning rate is about the same as a longer run's."""
    return {"constant": 1.0, "trapezoid": 1.0 - schedule.decay, "cosine": 0.6}[schedule.kind]


def _fall(looks: Sequence[ValidationPoint]) -> tuple[float, float]:
    """Loss lost for each e-fold of steps: by least squares, with its standard error."""
    x, y = [math.log(look.step) for look in looks], [look.loss for look in looks]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    rest = sum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    return -slope, math.sqrt(rest / max(1, len(looks) - 2) / spread)


_OVERFITTING_RISE = 0.03  # nats per token: more than a look at the same windows wavers by
_RECENT = 3  # looks whose median stands for the end


def overfitting(case: Case) -> Finding | None:
    """Held-out loss rose from its lowest look while training loss, measured alike, went on falling."""
    if len(case.looks) <= _RECENT:
        return None
    onset = min(case.looks, key=lambda look: look.loss)
    recent = case.looks[-_RECENT:]
    loss, train_loss = median(e.loss for e in recent), median(e.train_loss for e in recent)
    if onset in recent or loss < onset.loss + _OVERFITTING_RISE or train_loss >= onset.train_loss:
        return None
    kept = ", whose weights were kept" if case.early_stopped else ""
    return Finding(
        "overfitting",
        "warning",
        f"{case.part} loss was lowest at step {onset.step:,} ({onset.loss:.3f} nats a token){kept} and rose to "
        f"{loss:.3f}, while the loss on as much training text fell from {onset.train_loss:.3f} to {train_loss:.3f}",
        "" if kept else "stop there (train.patience), use more text or more dropout, or a smaller model",
        {
            "onset_step": onset.step,
            "lowest_loss": onset.loss,
            "train_loss_there": onset.train_loss,
            "last_loss": loss,
            "last_train_loss": train_loss,
        },
    )


_COLLAPSE_RISE = 0.05  # nats per token from the lowest look: more than looks waver by
_SHRANK = 0.7  # of the largest length seen


def collapse(case: Case) -> Finding | None:
    """Back at the unigram floor, or held there by weights that melt: one look alone may be a spike.

    Back there on the text that it learns from too: one that is at home there and lost elsewhere overfits.
    """
    floor = case.floors.get("unigram")
    if floor is None or len(case.looks) < 2:
        return None
    if any(is_better(min(look.loss, look.train_loss), floor) for look in case.looks[-2:]):
        return None
    lowest = min(case.looks, key=lambda look: look.loss)
    longest = max(look.weight_norm for look in case.looks)
    last = case.looks[-1]
    rose = (
        is_better(lowest.loss, floor) and last.loss > lowest.loss + _COLLAPSE_RISE
    )  # what was never learned is not lost
    shrank = last.weight_norm < _SHRANK * longest
    if not rose and not shrank:
        return None
    what = (
        f"{case.part} loss fell to {lowest.loss:.3f} nats a token by step {lowest.step:,} and rose back to "
        f"{last.loss:.3f}, the unigram floor being {floor:.3f}"
        if rose
        else f"{case.part} loss is not below the unigram floor of {floor:.3f} nats a token"
    )
    if shrank:
        what += f", while the weights shrank from a length of {longest:.0f} to {last.weight_norm:.0f}"
    figures = {
        "lowest_loss": lowest.loss,
        "lowest_step": lowest.step,
        "last_loss": last.loss,
        "unigram": floor,
        "longest_weights": longest,
        "last_weights": last.weight_norm,
    }
    if case.early_stopped:
        what += "; the weights of the best look were kept"
    return Finding("collapse", "warning" if case.early_stopped else "error", what, _fix(case, shrank), figures)


def _fix(case: Case, shrank: bool) -> str:
    optimizer = case.config.optimizer
    if shrank and optimizer.kind == "adam" and optimizer.weight_decay:
        return (
            "weight decay is coupled here: optimizer.kind=adam adds optimizer.weight_decay="
            f"{optimizer.weight_decay:g} as L2 to the gradient, and by Adam's scaling it outweighs what there is to "
            "learn; decouple it with optimizer.kind=adamw, or set optimizer.weight_decay=0"
        )
    if shrank and optimizer.weight_decay:
        return f"lower optimizer.weight_decay={optimizer.weight_decay:g}"
    return "lower the learning rate: the step that broke it was too long"


_MORE = 0.05  # of the 8-word sequences, above held-out text's share
_LONGER = 2.0  # times the longest run of held-out text …
_LONG = 100  # … and at least so many characters: a refrain or a name is shorter


def memorisation_finding(case: Case) -> Finding | None:
    """Generated text that copies."""
    measured = case.memorisation
    if measured is None:
        return None
    own, other, units = measured.generated, measured.held_out, _units(measured)
    share, usual = own.share_found or 0.0, other.share_found or 0.0
    copies = own.longest_run >= max(_LONG, _LONGER * other.longest_run)
    if share < usual + _MORE and not copies:
        return None
    return Finding(
        "memorised",
        "warning",
        f"{share:.1%} of the sequences of 8 {units} that it writes stand in the training text (of held-out text "
        f"{usual:.1%}), and its longest run that stands there is {counted(own.longest_run, 'character')} (held-out "
        f"{other.longest_run})",
        "more text, a smaller budget, more dropout or a smaller model",
        {
            "share_found": share,
            "share_found_held_out": usual,
            "longest_run": own.longest_run,
            "longest_run_held_out": other.longest_run,
        },
    )


def memorisation_line(measured: Memorisation) -> str:
    """The figures in one line, whether they are a finding or not."""
    return f"copied from the training text: {memorisation_figures(measured)}"


def memorisation_figures(measured: Memorisation) -> str:
    """What of the texts that a model wrote stands in the training text, beside as much held-out text."""
    own, other, units = measured.generated, measured.held_out, _units(measured)
    shares = [
        f"no sequence of 8 {units}" if one.share_found is None else f"{one.share_found:.1%} of sequences of 8 {units}"
        for one in (own, other)
    ]
    longest = counted(own.longest_run, "character")
    return f"longest run {longest}, {shares[0]} (held-out text: {other.longest_run}, {shares[1]})"


def _units(measured: Memorisation) -> str:
    """Between white space stand words, or where the tokenizer loses it, tokens."""
    return "words" if measured.lossless_tokenizer else "tokens"


_SOME = 0.01  # share of the held-out text in the training part from which on that is said
_MUCH = 0.3  # … and from which on the score says little: the boilerplate of manual pages makes a quarter
_OTHER = 0.15  # more than training text costs: the last plays of Shakespeare cost 5 % more than the others
_SHIFT_ERRORS = 3.0  # standard errors


def overlap_finding(case: Case) -> Finding | None:
    """Held-out text that the model was trained on."""
    found = case.overlap
    if found is None or found.share < _SOME:
        return None
    much = found.share >= _MUCH
    return Finding(
        "overlap",
        "warning" if much else "note",
        f"{found.share:.0%} of the held-out text stands word for word in the training part, in stretches of "
        f"{found.stretch} characters or more: the scores flatter",
        "remove the copies from the text, then train on what is left" if much else "",
        {"share": found.share, "stretch": float(found.stretch)},
    )


def shift_finding(case: Case) -> Finding | None:
    """Held-out text of another kind than the training text."""
    found = case.shift
    if found is None or found.share < _OTHER or found.held_out - found.train < _SHIFT_ERRORS * found.standard_error:
        return None
    return Finding(
        "distribution shift",
        "warning",
        "the held-out text is of another kind than the training text: a trigram model of characters that learns from "
        f"one half of the training text needs {found.train:.3f} nats a character for the other half and "
        f"{found.held_out:.3f} for the held-out text, so the score tells of that difference more than of the model",
        "shuffle the lines or documents of the text, unless their order is what you want to test",
        {"train_nats": found.train, "held_out_nats": found.held_out, "standard_error": found.standard_error},
    )
