"""Line ends of all systems, the most frequent beginning of a line (which suits as a prompt), and lists of lines."""

import re
import statistics
import unicodedata
from collections import Counter

_LINE_END = re.compile("\r\n?|\n")


def has_line_end(text: str) -> bool:
    """Return whether `text` contains a line end of any kind."""
    return _LINE_END.search(text) is not None


def with_line_ends(text: str, end: str) -> str:
    """Return `text` with `end` for every line end."""
    return _LINE_END.sub(lambda _: end, text)


MAX_CHARACTERS_READ = 2_000_000  # of a text, in which a frequent line start is looked for
_MAX_LINE_LENGTH = 20  # characters of a line that is used as a prompt
_MAX_WORD_LENGTH = 12
_MIN_LINE_FRACTION = 0.002  # of all lines that must be equal to a line, such as the name of a speaker
_JOINERS = "'’-\u200c\u200d"  # inside a word; the last two in Persian and in scripts of India


def frequent_line_start(text: str) -> str:
    """Return a frequent short line, as ROMEO: in a play, else the most frequent first word of a line.

    Among the lines that are at least half as frequent as the most frequent one, the shortest is taken. Empty if no
    line begins with a letter or a digit.
    """
    lines = [line.strip() for line in text[:MAX_CHARACTERS_READ].splitlines()]
    lines = [line for line in lines if line[:1].isalpha()] or [line for line in lines if line[:1].isdigit()]
    short = Counter(line for line in lines if 2 <= len(line) <= _MAX_LINE_LENGTH and line.isprintable())
    most = max(short.values(), default=0)
    if most > max(2, _MIN_LINE_FRACTION * len(lines)):
        return min((line for line in short if 2 * short[line] >= most), key=lambda line: (len(line), -short[line]))
    words = Counter(map(_first_word, lines))
    return words.most_common(1)[0][0] if words else ""


_MIN_SHORT_LINES = 200
_MAX_SHORT_LINE = 40  # characters of the median line, without its line end
_MIN_DISTINCT = 0.95  # fraction of the lines that differ from those before them
_MAX_STRUCTURED = 0.01  # fraction of the lines that are blank or indented


def short_lines(text: str) -> int:
    """Return the number of lines if each of them seems to be a text of its own, as in a list of names; else 0.

    These are many short lines that nearly all differ, without blank lines or indentation, which would say that
    neighbouring lines belong together.
    """
    lines = _LINE_END.sub("\n", text).removesuffix("\n").split("\n")
    structured = sum(not line or line[0].isspace() for line in lines)
    seems_list = (
        len(lines) >= _MIN_SHORT_LINES
        and structured <= _MAX_STRUCTURED * len(lines)
        and len(set(lines)) >= _MIN_DISTINCT * len(lines)
        and statistics.median(map(len, lines)) <= _MAX_SHORT_LINE
    )
    return len(lines) if seems_list else 0


def _first_word(line: str) -> str:
    end = 1
    while end < min(len(line), _MAX_WORD_LENGTH) and _is_word_character(line[end]):
        end += 1
    while end > 1 and unicodedata.category(line[end - 1])[0] not in "LMN":  # it ends in a joiner
        end -= 1
    return line[:end]


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in _JOINERS
