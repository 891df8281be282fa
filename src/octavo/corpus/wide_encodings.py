"""Recognise UTF-16 and UTF-32 that have no byte order mark."""

import codecs

from octavo.corpus.binary_formats import looks_binary

WIDE_CODECS = ("utf-16", "utf-32")
_CONTROL_BYTES = bytes(range(32))
_SEPARATORS = " \n、。，"


def unmarked_codec(head: bytes) -> str:
    """Return the codec of UTF-16 or UTF-32 without a byte order mark; empty if it is something else.

    NUL bytes show it, which the spaces and line ends of every language have. In UTF-16 every second byte is below 32
    if the text is in an alphabet; the bytes of ideographs are anything, so many are control characters, not UTF-8.
    """
    if b"\0" not in head:
        return ""
    for codec in ("utf-32-le", "utf-32-be"):
        if _reads_as_text(head, codec):
            return codec
    ideographs = looks_binary(head) and not _is_utf8(head)
    for high, codec in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
        alphabet = len(high.translate(None, _CONTROL_BYTES)) <= len(high) / 2
        if b"\0" in high and (alphabet or ideographs) and _reads_as_text(head, codec):
            return codec
    return ""


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeError:
        return False
    return True


def _reads_as_text(head: bytes, codec: str) -> bool:
    """Return whether bytes decode to what a text is made of, as arrays of numbers do not.

    All but one in twenty characters are assigned and visible. Of a hundred, one stands between words or sentences.
    """
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeError:
        return False
    visible = sum(character.isprintable() or character.isspace() for character in text)
    between = sum(map(text.count, _SEPARATORS))
    return visible >= 0.95 * len(text) > 0 and between >= len(text) // 100
