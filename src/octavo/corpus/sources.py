"""Check the sources of a corpus."""

import os
from collections.abc import Iterable
from io import IOBase
from pathlib import Path
from typing import NoReturn

from octavo.corpus.folder import refuse_unreadable
from octavo.corpus.outputs import IS_EXPERIMENT, IS_RUN, enclosing_run, is_experiment, is_run
from octavo.errors import OctavoError
from octavo.system.terminal import path_text

# Characters. A longer name or path is not a path but a text that was given by mistake.
_MAX_NAME_LENGTH, _MAX_PATH_LENGTH = 255, 1000
_MAX_SHOWN = 40  # characters of such a text


def parse_sources(sources: object) -> list[str | Path]:
    """Return the sources as a list of paths.

    Raises:
        OctavoError: they are of another type, such as an open file or bytes.
    """
    if isinstance(sources, str | os.PathLike):  # a str is a sequence of str too, but is never meant so
        return [sources if isinstance(sources, str) else Path(sources)]
    if isinstance(sources, Iterable) and not isinstance(sources, bytes | IOBase):
        found = list(sources)
        if all(isinstance(source, str | os.PathLike) for source in found):
            return found
    raise OctavoError(
        f"texts are given as paths, not as {type(sources).__name__}: for a text in memory give "
        "octavo.Corpus.from_text(text)"
    )


def refuse_missing(name: str, error: OSError | ValueError) -> NoReturn:
    """Raise OctavoError for a path that does not exist, or a text that was given as one."""
    if "\n" in name or len(name) > _MAX_PATH_LENGTH or max(map(len, name.split("/"))) > _MAX_NAME_LENGTH:
        raise OctavoError(
            f"{name[:_MAX_SHOWN]!r}… is a text, not the path of one: name its file, or for a text in memory give "
            "octavo.Corpus.from_text(text)"
        ) from None
    if isinstance(error, FileNotFoundError):
        raise OctavoError(
            f"there is no file or directory {name}: check the path, or give - and pipe the text in"
        ) from None
    if isinstance(error, OSError):
        refuse_unreadable(name, error)
    raise OctavoError(f"{name!r} cannot be a path: check it") from None


def refuse_output(folder: Path, name: str) -> None:
    """Raise OctavoError if a folder is a run or an experiment, or lies in a run."""
    if run := enclosing_run(folder):
        kept = path_text((folder if is_run(folder) else run) / "data" / "train.txt")
        raise OctavoError(f"{name} is {IS_RUN}: give the text itself, or {kept}, which the run was trained on")
    if is_experiment(folder):
        raise OctavoError(f"{name} is {IS_EXPERIMENT}: give the text itself")
