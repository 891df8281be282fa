"""Advise how to read texts that did not decode: with one encoding that decodes all of them, or after a repair."""

import re
from collections.abc import Sequence

from octavo.corpus.decoding import ByteSource, NotText, Undecodable, codec_name, find_codec, in_memory, without_mark
from octavo.errors import OctavoError
from octavo.system.terminal import name_first

# The usual encodings of files that are not UTF-8. Detection among all codecs is less reliable than among these.
_LIKELY_CODECS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "euc_kr"),
]
_WESTERN_CODECS = ("cp1252", "mac_roman", "cp850", "cp437")  # the most common one first
_SMALL, _CAPITAL = "áàâäãåæçéèêëíìîïñóòôöõøœúùûüß", "ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜ"
_WESTERN = re.compile(f"[\\0-\\x7f{_SMALL}{_CAPITAL}“”„‘’‚«»‹›–—…¡¿°§£€©®\xa0]")
# Signs of a western text in the wrong codec: a capital or a mark within a word, or several accents in a row.
_ODD = re.compile(
    f"(?<=[a-z{_SMALL}])[{_CAPITAL}]|[{_SMALL}](?=[A-Z])"
    r"|(?<=[^\W\d_])[„‚«»‹›¡¿°§£€©®](?=[^\W\d_])"
    f"|[{_SMALL}{_CAPITAL}]{{3,}}"
)
_MAX_ODD_FRACTION = 0.05  # of the characters that are not ASCII
_MAYBE_HUNGARIAN = re.compile(rb"[\xd5\xdb\xf5\xfb]")  # Őű in cp1250, Õû in cp1252; all its other letters are western
_MIN_COHERENCE = 0.3  # of a text with a language (charset-normalizer); a guess below it is unreliable
_MAX_GUESSED = 20  # files whose encoding is guessed, which takes some hundredths of a second each


def decode_text(raw: bytes, encoding: str, name: str) -> str:
    """Return the text in `raw`; `name` names it in an error.

    Raises:
        OctavoError: the encoding is unknown, or the bytes do not decode. Then the error has the offset, counted
            from 0, and a likely encoding.
    """
    read = in_memory(raw)
    try:
        codec = find_codec(read, codec_name(encoding), name)
    except Undecodable as error:
        raise encoding_error([error]) from None
    return without_mark(raw.decode(codec), codec)


def encoding_error(
    faults: Sequence[Undecodable], read_in_others: Sequence[tuple[str, ByteSource]] = ()
) -> OctavoError:
    """Return the error for texts that did not decode. It names an encoding only if that decodes all texts.

    Args:
        faults: one for each text that did not decode.
        read_in_others: name and bytes of the texts that were read in another encoding than UTF-8. They need the given
            one if they have no byte order mark, and another must not spoil them.
    """
    said, alone = _list_faults(faults), len(faults) == 1
    damaged = [fault for fault in faults if fault.damaged]
    others = [fault for name, read in read_in_others for fault in _utf8_faults(name, read)]
    curable = [fault for fault in faults if not fault.damaged]
    if not curable:
        return OctavoError(said if alone else f"{said}: repair them, or leave them out")
    guessed = [(fault.name, _likely_codecs(fault)) for fault in curable[:_MAX_GUESSED]]
    likely = [guesses for _, guesses in guessed] + [_likely_codecs(fault) for fault in others[:_MAX_GUESSED]]
    if codec := _common_codec(likely, [fault.read for fault in curable + others]):
        looks = "it looks" if alone else "they look"
        repair = f", and repair or leave out {damaged[0].name}" if damaged else ""
        return OctavoError(f"{said}; {looks} like {codec}: pass encoding={codec}{repair}")
    name, guess = next(((name, guesses[0]) for name, guesses in guessed if guesses), ("", ""))
    if guess:
        which = "it looks" if alone else f"no single encoding decodes all, {name} looks"
        return OctavoError(
            f"{said}; {which} like {guess}: convert it to UTF-8, as with iconv -f {_iconv_name(guess)} -t UTF-8"
        )
    if others or not alone:
        return OctavoError(f"{said}: convert to UTF-8 what is in another encoding")
    return OctavoError(f"{said}: pass the encoding of the text")


def _list_faults(faults: Sequence[Undecodable]) -> str:
    if len(faults) == 1:
        return str(faults[0])
    named = name_first([f"{fault.name} ({fault.reason})" for fault in faults])
    return f"{len(faults)} files cannot be read: {named}"


def _common_codec(guesses: Sequence[Sequence[str]], reads: Sequence[ByteSource]) -> str:
    """Return the first codec that is likely for each text and decodes all of them; empty if there is none."""
    likely = (codec for codec in guesses[0] if all(codec in each for each in guesses))
    return next((codec for codec in likely if all(_decodes(read, codec) for read in reads)), "")


def _likely_codecs(fault: Undecodable) -> list[str]:
    """Return the most likely codecs of a text, by the bytes around the fault; each decodes the complete text."""
    if fault.suggestion:
        return [fault.suggestion]
    from charset_normalizer import from_bytes

    matches = from_bytes(fault.window, cp_isolation=_LIKELY_CODECS)
    best = matches.best()
    equal = [match for match in matches if best and (match.chaos, match.coherence) == (best.chaos, best.coherence)]
    found = [name for match in equal for name in match.could_be_from_charset]
    # Short texts suit several code pages; of those of Western Europe the one that reads best is the best bet.
    western = _western_codecs(fault.window)
    other = best and best.coherence >= _MIN_COHERENCE and _MAYBE_HUNGARIAN.search(fault.window)
    if western and (western[0] in found or western[0] != "cp1252" or not other):
        found = western + found
    others = [match.encoding for match in matches if match not in equal]
    reads = (name for name in dict.fromkeys(found) if _decodes(fault.read, name))
    return list(reads) or [name for name in others if _decodes(fault.read, name)]


def _western_codecs(window: bytes) -> list[str]:
    """Return the codecs as which bytes look like a text of Western Europe, the best first."""
    share = {codec: _odd_fraction(window.decode(codec, "replace")) for codec in _WESTERN_CODECS}
    return sorted((codec for codec in share if share[codec] <= _MAX_ODD_FRACTION), key=lambda codec: share[codec])


def _odd_fraction(text: str) -> float:
    """Return the fraction of the characters beyond ASCII that are unusual in a text of Western Europe."""
    beyond = sum(not character.isascii() for character in text)
    odd = len(_WESTERN.sub("", text)) + sum(len(found) for found in _ODD.findall(text))
    return odd / max(1, beyond)


def _utf8_faults(name: str, read: ByteSource) -> list[Undecodable]:
    """Return why a text is not UTF-8, if it is not."""
    try:
        find_codec(read, "utf-8", name)
    except Undecodable as fault:
        return [fault]
    except NotText:
        pass
    return []


def _decodes(read: ByteSource, codec: str) -> bool:
    try:
        return find_codec(read, codec_name(codec), "") == codec_name(codec)
    except OctavoError:
        return False


def _iconv_name(codec: str) -> str:
    """Return a codec's name as iconv knows it."""
    return codec.replace("_", "-").replace("-le", "le").replace("-be", "be")
