"""User errors and warnings: one sentence that states the problem and the fix; suggestions for misspelt words."""

import os
from collections.abc import Iterable, Sequence

_MAX_CHARACTERS = 200  # of a misspelt word that are compared
_MAX_SENTENCE = 2000  # characters of an error; a list of all settings has 1,400
_BEGINNING, _END = 200, 300  # characters that are left of a longer one


class OctavoError(Exception):
    """An error of the input, not of the program.

    The command line prints the message without a traceback and exits with code 2; from Python it is an exception. The
    message therefore names settings and arguments, and no option of the command line. Of a very long message, which
    quotes a text that was given in place of a name, the middle is left out.

    Args:
        sentence: states the problem and the fix.
        command: the words of an Octavo command that carries out the fix; the command line prints it at the end.

    Example:
        >>> try:
        ...     octavo.load("macbeth")
        ... except octavo.OctavoError as error:
        ...     print(error)
        there is no run macbeth...
    """

    def __init__(self, sentence: str = "", *, command: Sequence[str] = ()) -> None:
        if len(sentence) > _MAX_SENTENCE:
            sentence = f"{sentence[:_BEGINNING]} … {sentence[-_END:]}"
        super().__init__(sentence)
        self.command = tuple(command)


class OctavoWarning(UserWarning):
    """A problem that Octavo worked around, in one sentence. The command line prints it and continues."""


class DivergenceError(OctavoError):
    """Training diverged: a loss, gradient or weight is NaN or infinite, or the loss exceeds twice the uniform
    baseline."""


def reason(error: BaseException, *, named: bool = False) -> str:
    """Return why something failed, without an error number; `named` adds the file's name, if the system gives one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{os.path.basename(error.filename)}: {error.strerror}" if named and error.filename else error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) or type(error).__name__


def nearest(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the choice that `word` probably means; empty if none is similar. Case is ignored.

    Args:
        word: as the user gave it.
        choices: the valid words.
        cutoff: smallest similarity, from 0 to 1 (:func:`difflib.get_close_matches`).
    """
    from difflib import get_close_matches  # here, as most commands misspell nothing

    folded: dict[str, str] = {}
    for choice in choices:
        folded.setdefault(choice.casefold(), choice)
    given = word[:_MAX_CHARACTERS].casefold()
    matches = [given] if given in folded else get_close_matches(given, folded, n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else ""


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return "did you mean …?", or the list of all choices if none is similar."""
    choices = list(choices)
    match = nearest(word, choices)
    return f"did you mean {match!r}?" if match else f"choose one of {', '.join(choices)}"
