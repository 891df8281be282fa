"""Text for terminals: escape control characters, and format quantities for people.

Text from a model or a file must not move the cursor, change colours or ring the bell.
"""

import os
import re
import textwrap
from collections.abc import Sequence

# Line ends of Windows and old Macs, whose carriage return would move the cursor to the start of the line.
_LINE_END = re.compile("\r\n?")

# C0 and C1 controls except newline and tab, other line breaks, surrogates, and characters that change the writing
# direction or are invisible. U+200C and U+200D are kept, as Persian, many Indian scripts and emoji need them; so are
# U+FE00 to U+FE0F, which select how an emoji is drawn.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def escape_controls(text: str) -> str:
    """Return `text` with every line end as a newline, and other control characters escaped, such as \\x1b."""
    return CONTROL.sub(lambda match: escape_character(match[0]), _LINE_END.sub("\n", text))


def path_text(name: str | os.PathLike[str]) -> str:
    """Return a path or an argument as text that UTF-8 can encode, to show it; the path itself opens the file.

    Where the system's encoding is not that of the name (a C locale, a foreign disk), Python represents its bytes by
    lone surrogates. They are decoded as UTF-8 here, and bytes that are not UTF-8 become "?".
    """
    given = os.fspath(name)
    try:
        return os.fsencode(given).decode("utf-8")
    except UnicodeError:
        return given.encode("utf-8", "replace").decode("utf-8")


def escape_character(character: str) -> str:
    """Return the escape sequence of a character, such as \\x1b or \\u200b."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def wrap_lines(text: str, indent: str = "") -> list[str]:
    """Return `text` as lines of at most 80 characters, indented by `indent`, and by two more from the second line
    on."""
    return textwrap.wrap(text, 80, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def capitalize_first(words: str) -> str:
    """Return the words with an upper-case first letter; `str.capitalize` would change the others to lower case."""
    return words[:1].upper() + words[1:]


def quantity(number: int, word: str, plural: str = "") -> str:
    """Return a number with its noun: 1 token, 2 tokens, 1,000 tokens; `plural` is for irregular nouns."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def name_first(names: Sequence[str], most: int = 3) -> str:
    """Return the first names of many: a, b, c and 5 more."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(seconds: float) -> str:
    """Return seconds in readable form: 48 s, 4:50 min, 2:05 h."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60}:{rounded % 60:02d} min"
    return f"{rounded // 3600}:{rounded % 3600 // 60:02d} h"


def format_bytes(n_bytes: int) -> str:
    """Return bytes in readable form: 300 MiB, 1.5 GiB."""
    return f"{n_bytes / 2**20:,.0f} MiB" if n_bytes < 2**30 else f"{n_bytes / 2**30:,.1f} GiB"
