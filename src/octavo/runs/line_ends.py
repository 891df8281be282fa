"""The line ends that a run learned: prompts are given to its model with the same."""

import os
from collections import Counter
from collections.abc import Sequence

from octavo.corpus.lines import has_line_end, with_line_ends
from octavo.errors import OctavoError
from octavo.formats.untrusted import open_plain
from octavo.runs.directory import RunDirectory

_BLOCKS, _BLOCK = 16, 2**16  # spread over the text, and bytes of each
_NEARLY_ALL = 0.9  # share of the line ends that one kind must have


def with_learned_line_ends(directory: RunDirectory, prompts: Sequence[str]) -> list[str]:
    """Return the prompts with the line ends of the run's training text; as they are if that has no usual kind."""
    end = line_end_of(directory) if any(map(has_line_end, prompts)) else None
    return [prompt if end is None else with_line_ends(prompt, end) for prompt in prompts]


def line_end_of(directory: RunDirectory) -> str | None:
    """Return the line end that nearly all lines of the run's training text have, judged by parts of it.

    None: there is no such kind, or the text is not there.
    """
    found = Counter[str]()
    try:
        with open_plain(directory.path / "data" / "train.txt", 2**63, directory.path) as file:
            last = max(0, os.fstat(file.fileno()).st_size - _BLOCK)
            for place in sorted({last * number // (_BLOCKS - 1) for number in range(_BLOCKS)}):
                file.seek(place)
                # What stands at a border may be half of a line end.
                block = file.read(_BLOCK).removeprefix(b"\n").removesuffix(b"\r")
                both = block.count(b"\r\n")
                found += Counter({"\r\n": both, "\n": block.count(b"\n") - both, "\r": block.count(b"\r") - both})
    except (OctavoError, OSError):
        return None
    end, count = max(found.items(), key=lambda item: item[1], default=("", 0))
    return end if count and count >= _NEARLY_ALL * found.total() else None
