"""Text on a terminal: what a model wrote must not move the cursor, change colours or ring."""

import os
import re
import textwrap

# The line ends of Windows and of old Macs, which a terminal would take for a way back to the line's beginning.
_LINE_END = re.compile("\r\n?")

# C0 and C1 controls but newline and tab, other line breaks, half a character, and what turns the direction of writing
# or is not seen. U+200C and U+200D stay: Persian and many scripts of India are spelt with them, and emoji. So do
# U+FE00 to U+FE0F, which say how an emoji is drawn.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def escape_controls(text: str) -> str:
    """Return `text` with a newline for every line end and other control characters written out, as \\x1b."""
    return CONTROL.sub(lambda found: escape_character(found[0]), _LINE_END.sub("\n", text))


def path_text(name: str | os.PathLike[str]) -> str:
    """A path or an argument as text that UTF-8 can hold; to open a file, the path itself is needed.

    Where the system's encoding is not that of a name (a locale of C, a disk from elsewhere) Python hands on its bytes
    as lone surrogates. They are read as UTF-8 here, and what is no UTF-8 becomes "?".
    """
    given = os.fspath(name)
    try:
        return os.fsencode(given).decode("utf-8")
    except UnicodeError:
        return given.encode("utf-8", "replace").decode("utf-8")


def escape_character(character: str) -> str:
    """Return `character` by its number, as \\x1b or \\u200b."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def wrap_lines(text: str, indent: str = "") -> list[str]:
    """Lines of at most 80 characters, each after `indent`; later ones of the same text two further in."""
    return textwrap.wrap(text, 80, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def capitalize_first(words: str) -> str:
    """Return the words with an upper-case first letter; `str.capitalize` would make all others lower-case."""
    return words[:1].upper() + words[1:]


def quantity(number: int, word: str, plural: str = "") -> str:
    """Return a number with its noun: 1 token, 2 tokens, 1,000 tokens; `plural` is for nouns that take no s."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def duration(seconds: float) -> str:
    """Seconds for people: 48 s, 4:50 min, 2:05 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def format_bytes(n_bytes: int) -> str:
    """Bytes for people: 300 MiB, 1.5 GiB."""
    return f"{n_bytes / 2**20:,.0f} MiB" if n_bytes < 2**30 else f"{n_bytes / 2**30:,.1f} GiB"
