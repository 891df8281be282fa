"""Is the model better than counting? Against the unigram, the bigram and the n-gram model, from the lowest up."""

from octavo.diagnosis.case import Case, better
from octavo.diagnosis.finding import Finding

_WORDS = {
    "uniform": "it does no better than guessing every token alike",
    "unigram": "it has learned how frequent each token is, and nothing else",
    "bigram": "it knows no more than which token follows which",
    "n-gram": "a table of letter counts still predicts this text as well",
}
_MEND = {
    "uniform": "look whether the training loss moves at all: raise optimizer.learning_rate, or give it more steps",
    "unigram": "look at the training curve first: one that never fell wants more steps or another learning rate, one "
    "that fell and rose again has lost what it knew",
    "bigram": "give it more steps; if the curve is flat, raise optimizer.learning_rate or the model's size",
    "n-gram": "give it a larger budget, or more text",
}


def against_floors(case: Case) -> Finding | None:
    """The lowest floor that the model does not beat."""
    for name, words in _WORDS.items():
        floor = case.floors.get(name)
        if floor is not None and not better(case.loss, floor):
            return Finding(
                f"no better than {name}",
                "note" if name == "n-gram" else "ill",
                f"{words}: {case.loss:.4f} nats a token, where the {name} model needs {floor:.4f}",
                _MEND[name],
                {"loss": case.loss, name: floor},
            )
    return None
