"""The word that was probably meant by a misspelt one."""

from collections.abc import Iterable

_MAX_CHARACTERS = 200  # characters that are compared


def nearest(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the choice that `word` probably means; empty if none is near. The case of letters does not count."""
    import difflib  # here, since the command line imports this module also where nothing is misspelt

    folded: dict[str, str] = {}
    for choice in choices:
        folded.setdefault(choice.casefold(), choice)
    given = word[:_MAX_CHARACTERS].casefold()
    near = [given] if given in folded else difflib.get_close_matches(given, folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else ""


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return "did you mean …?", or if no choice is near the list of all."""
    choices = list(choices)
    near = nearest(word, choices)
    return f"did you mean {near!r}?" if near else f"choose one of {', '.join(choices)}"
