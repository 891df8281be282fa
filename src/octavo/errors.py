"""What a user did that cannot work, said in one sentence with the fix."""

import os
from collections.abc import Sequence


class OctavoError(Exception):
    """An error of the user's input or machine, not of the program.

    The message is one sentence that states the problem and the fix. It names settings and arguments, not options of
    the command line, which prints it without a traceback and exits with code 2.

    Attributes:
        command: the words of the Octavo command that does what the message advises, which the command line prints
            after it; empty if there is none.

    Example:
        >>> try:
        ...     octavo.load("macbeth")
        ... except octavo.OctavoError as error:
        ...     print(error)
        there is no run macbeth...
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
