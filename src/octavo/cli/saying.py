"""What a command says: through here, since names, paths and texts are other people's."""

import os
import re
import sys
from typing import TextIO

from octavo.terminal import shown

# An argument of a function, that is an option here: where something is advised, not in the name of a file.
_ADVISED = re.compile(r"\b(pass|give|as|with|there:) (encoding|documents|output)=(?=\S)")


def say(text: object = "", *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print `text` to `file` (standard output), every control character in it written out."""
    print(shown(str(text)), end=end, file=file)


def as_options(sentence: str) -> str:
    """Return a sentence of the library with options for the arguments that it names: ``--encoding`` for encoding=."""
    return _ADVISED.sub(r"\1 --\2 ", sentence)


def drop_output(stream: TextIO | None = None) -> None:
    """Drop what waits to be written to `stream` (standard output) and cannot be: nothing tries again, not even Python
    when it ends."""
    stream = stream or sys.stdout
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
