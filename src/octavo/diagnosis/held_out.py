"""Find what is wrong with the held-out text: it stands in the training part, or is of another kind.

Both follow from the text alone. They say what a score is worth, whatever the model is.
"""

from octavo.diagnosis.case import Case
from octavo.diagnosis.finding import Finding

_SOME = 0.01  # share of the held-out text in the training part from which on that is said
_MUCH = 0.3  # … and from which on the score says little: the boilerplate of manual pages makes a quarter
_OTHER = 0.15  # more than training text costs: the last plays of Shakespeare cost 5 % more than the others
_CLEAR = 3.0  # standard errors


def overlap(case: Case) -> Finding | None:
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


def shift(case: Case) -> Finding | None:
    """Held-out text of another kind than the training text."""
    found = case.shift
    if found is None or found.share < _OTHER or found.held_out - found.train < _CLEAR * found.standard_error:
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
