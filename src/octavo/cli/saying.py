"""What a command says: through here, since names, paths and texts are other people's."""

from typing import TextIO

from octavo.terminal import shown


def say(text: object = "", *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print `text` to `file` (standard output), every control character in it written out."""
    print(shown(str(text)), end=end, file=file)
