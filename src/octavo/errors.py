"""What a user did that cannot work, said in one sentence with the fix."""

import os
from collections.abc import Sequence


class OctavoError(Exception):
    """A fault of the input, not of the program.

    The message is one sentence for a person: what is wrong, and what to do. The command
    line prints it without a traceback and exits with code 2; from Python it is an exception.
    So it speaks of settings and arguments by their names, and of no option. `command` holds
    the words of the Octavo command that does what the sentence advises; the command line
    prints it behind the sentence.
    """

    def __init__(self, sentence: str = "", *, command: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.command = tuple(command)


class OctavoWarning(UserWarning):
    """What was found wrong and helped itself, in one sentence. The command line prints it and goes on."""


class DivergenceError(OctavoError):
    """Training came to numbers that are infinite or none, or to a loss far above chance: a result of its settings."""


def reason(error: BaseException, *, named: bool = False) -> str:
    """Return why something failed, without an error number; `named`: with the file's name, if the system gave one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{os.path.basename(error.filename)}: {error.strerror}" if named and error.filename else error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) or type(error).__name__
