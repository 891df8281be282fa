"""Recognise files that hold no plain text, by their first bytes."""

import re

_HEAD_BYTES = 8 * 1024  # bytes that are looked at
_CONTROLS = bytes({*range(32)} - set(b"\b\t\n\v\f\r\x1a\x1b"))  # these eight occur in text files, NULs hardly ever
_MAX_CONTROL_FRACTION = 0.01  # of all bytes; random bytes have 0.09

# What people have beside their texts. Other binary files have NUL bytes and need no name.
# A signature of printable characters alone is long enough that no text begins with it by chance.
_SIGNATURES = (
    (rb"\s{0,16}%PDF-\d", "a PDF", "convert it to text first, for example with pdftotext"),
    (
        rb"PK\x03\x04.{26}mimetypeapplication/epub",
        "an EPUB book",
        "convert it to text first, for example with pandoc",
    ),
    (rb"PK[\x03\x05][\x04\x06]", "a zip archive or an office document", "unpack it, or save it as plain text"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document", "save it as plain text first"),
    (rb"\x1f\x8b\x08", "compressed with gzip", "unpack it first, for example with gunzip"),
    (rb"BZh\d1AY&SY", "compressed with bzip2", "unpack it first, for example with bunzip2"),
    (rb"\xfd7zXZ\0", "compressed with xz", "unpack it first, for example with unxz"),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first, for example with unzstd"),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "an archive", "unpack it first"),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP", "a picture", ""),
)
_FORMATS = tuple((re.compile(pattern, re.DOTALL), what, how) for pattern, what, how in _SIGNATURES)


def known_format(head: bytes) -> tuple[str, str]:
    """Return what a file that begins with `head` is, and how to make a text of it; empty if that is unknown."""
    return next(((what, how) for pattern, what, how in _FORMATS if pattern.match(head)), ("", ""))


def looks_binary(head: bytes) -> bool:
    """Return whether bytes that are not UTF-8 are no text in another encoding of ASCII either."""
    head = head[:_HEAD_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls > _MAX_CONTROL_FRACTION * len(head)
