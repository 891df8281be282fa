"""Line ends: those of Unix, of Windows and of old Macs, which mean the same."""

import re

_LINE_END = re.compile("\r\n?|\n")


def has_line_end(text: str) -> bool:
    """Return whether a line of any kind ends in `text`."""
    return _LINE_END.search(text) is not None


def with_line_ends(text: str, end: str) -> str:
    """Return `text` with `end` for every line end."""
    return _LINE_END.sub(lambda _: end, text)
