"""Is the model better than counting? Against the unigram, the bigram and the n-gram model, from the lowest up."""

from octavo.diagnosis.advice import MORE_TEXT
from octavo.diagnosis.case import Case, better
from octavo.diagnosis.finding import Finding
from octavo.diagnosis.overfitting import overfitting

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
# True of a model that has learned its training text; the mend is then MORE_TEXT.
_LEARNED = "what it has learned of its training text does not carry over to held-out text"
_MEND = {
    "uniform": "look whether the training loss moves at all: raise optimizer.learning_rate, or give it more steps",
    "unigram": "look at the training curve first: one that never fell wants more steps or another learning rate, one "
    "that fell and rose again has lost what it knew",
    "bigram": "give it more steps; if the curve is flat, raise optimizer.learning_rate or the model's size",
    "n-gram": "give it a larger budget, or more text",
}
_ABOUT = 1.01  # times the floor


def against_floors(case: Case) -> Finding | None:
    """The lowest floor that the model does not beat."""
    for name, (like, worse) in _WORDS.items():
        floor = case.floors.get(name)
        if floor is not None and not better(case.loss, floor):
            words, mend = worse if case.loss > _ABOUT * floor else like, _MEND[name]
            if name != "n-gram" and _learned(case, floor):
                words, mend = _LEARNED, MORE_TEXT
            return Finding(
                f"no better than {name}",
                "note" if name == "n-gram" else "ill",
                f"{words}: {case.loss:.4f} nats a token, where the {name} model needs {floor:.4f}",
                mend,
                {"loss": case.loss, name: floor},
            )
    return None


def _learned(case: Case, floor: float) -> bool:
    """Return whether the training text costs the model clearly less than the floor, or it overfits."""
    return bool(case.looks) and (case.looks[-1].train_loss < _CLEARLY * floor or overfitting(case) is not None)
