"""Recognise bytes that are no plain text, text in UTF-16 or UTF-32 without a byte order mark, and misread text."""

import codecs
import re

WIDE_CODECS = ("utf-16", "utf-32")
_HEAD_BYTES = 8 * 1024  # in which control characters are counted
_CONTROLS = bytes({*range(32)} - set(b"\b\t\n\v\f\r\x1a\x1b"))  # these eight occur in text files, NULs hardly ever
_MAX_CONTROL_FRACTION = 0.01  # of all bytes; random bytes have 0.09
_BELOW_SPACE = bytes(range(32))
_SEPARATORS = " \n、。，"
# Letters of alphabets that 8-bit encodings have in the upper half: Latin ones with accents, and of other alphabets.
_ACCENTED_RUN = re.compile("[À-ÖØ-öø-ɏ]{4,}")  # of different letters: Russian as western text
_OTHER_LETTER = re.compile("[\u0370-\u1cff]")
_AMID_LATIN_LETTERS = re.compile("(?<=[A-Za-z])[\u0370-\u1cff]+(?=[A-Za-z])")
_MIN_LETTERS = 16  # of a kind, from which on a fraction of them says something
_MIN_DIFFERENT = 3  # letters of a run: fewer are a scream or a line that is drawn

# Files that people often keep next to their texts. Other binary files have NUL bytes and need no name. A signature
# of printable characters alone is so long that no text begins with it by chance.
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
    """Return the format of a file that begins with `head`, and how to convert it to text; empty if it is unknown."""
    return next(((what, how) for pattern, what, how in _FORMATS if pattern.match(head)), ("", ""))


def looks_binary(head: bytes) -> bool:
    """Return whether bytes that are not UTF-8 are no text in another encoding that contains ASCII either."""
    head = head[:_HEAD_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls > _MAX_CONTROL_FRACTION * len(head)


def is_misread(text: str) -> bool:
    """Return whether a text in an 8-bit encoding was decoded in another one.

    Then it has control characters, many words of accented letters alone, or other letters amid Latin ones.
    """
    runs = [run for run in _ACCENTED_RUN.findall(text) if len(set(run.lower())) >= _MIN_DIFFERENT]
    in_runs, letters = sum(map(len, runs)), sum(map(str.isalpha, text))
    others, amid = len(_OTHER_LETTER.findall(text)), sum(map(len, _AMID_LATIN_LETTERS.findall(text)))
    return (
        looks_binary(text.encode("utf-8", "replace"))
        or (in_runs >= _MIN_LETTERS and in_runs > letters / 5)
        or (others >= _MIN_LETTERS and amid > others / 4)
    )


def unmarked_codec(head: bytes) -> str:
    """Return the codec of UTF-16 or UTF-32 without a byte order mark; empty if it is something else.

    NUL bytes indicate it: the spaces and line ends of every language contain them. In UTF-16, every second byte of
    alphabetic text is below 32; the bytes of ideographs can be anything, so many are control characters, not UTF-8.
    """
    if b"\0" not in head:
        return ""
    for codec in ("utf-32-le", "utf-32-be"):
        if _reads_as_text(head, codec):
            return codec
    ideographs = looks_binary(head) and not _decoded(head, "utf-8")
    for high, codec in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
        alphabet = len(high.translate(None, _BELOW_SPACE)) <= len(high) / 2
        if b"\0" in high and (alphabet or ideographs) and _reads_as_text(head, codec):
            return codec
    return ""


def _decoded(head: bytes, codec: str) -> str:
    """Return the text that begins with `head`; empty if it does not decode."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeError:
        return ""


def _reads_as_text(head: bytes, codec: str) -> bool:
    """Return whether bytes decode to the characters of a text; arrays of numbers do not.

    At least 95 % of the characters are assigned and visible, and at least 1 % separate words or sentences.
    """
    text = _decoded(head, codec)
    visible = sum(character.isprintable() or character.isspace() for character in text)
    separators = sum(map(text.count, _SEPARATORS))
    return visible >= 0.95 * len(text) > 0 and separators >= len(text) // 100
