"""What is shown on a terminal."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.system.terminal import capitalize_first, duration, escape_controls, format_bytes, path_text, quantity

TURNS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\nof é 😀 日本", "plain\ttext\nof é 😀 日本"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\x00c\x7f", "a\\x00c\\x7f"),
        ("Windows\r\n\r\nMac\rboth\r\r\nUnix\n", "Windows\n\nMac\nboth\n\nUnix\n"),
        ("\x9b31m", "\\x9b31m"),  # the escape of one byte
        ("\u202eabc\u2066\u200f\ufeff", "\\u202eabc\\u2066\\u200f\\ufeff"),
        ("\u061ca\u200bb\xadc\u2028\ud800", "\\u061ca\\u200bb\\xadc\\u2028\\ud800"),
        ("\U000e0041", "\\U000e0041"),  # a letter that is not seen
        ("a\u3164b\u115f\u1160\uffa0", "a\\u3164b\\u115f\\u1160\\uffa0"),  # of Korean: fillers
        ("\u034f\u2800\u17b4\u17b5", "\\u034f\\u2800\\u17b4\\u17b5"),
        ("\u180b\u180c\u180d\u180e\u180f", "\\u180b\\u180c\\u180d\\u180e\\u180f"),
        ("\U000e0100\U000e01ef", "\\U000e0100\\U000e01ef"),  # variations, of which any number hide text
        ("\U0001bca0\U000e0fff", "\\U0001bca0\\U000e0fff"),
        ("❤\ufe0f 가 ក", "❤\ufe0f 가 ក"),  # an emoji in colour, and letters beside those
        (
            "👩\u200d👧 می\u200cخواهم",
            "👩\u200d👧 می\u200cخواهم",
        ),  # joiners are spelling
    ],
)
def test_control_characters_are_written_out(text: str, expected: str) -> None:
    assert escape_controls(text) == expected


@given(st.text(st.characters(exclude_categories=[])))
def test_no_control_character_is_left(text: str) -> None:
    hidden = ("Cc", "Cs", "Zl", "Zp")
    left = [c for c in escape_controls(text) if unicodedata.category(c) in hidden and c not in "\n\t"]
    assert not left
    assert not [c for c in escape_controls(text) if unicodedata.bidirectional(c) in TURNS]
    assert escape_controls(escape_controls(text)) == escape_controls(text)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (290, "4:50 min"), (3599, "59:59 min"), (7500, "2:05 h")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tür zu.txt", "Tür zu.txt"),
        (Path("Tür"), "Tür"),
        ("T\udcc3\udcbcr", "Tür"),  # of a locale that could not read it
        ("T\udcfcr", "T?r"),  # in Latin-1
        ("\ud83d", "?"),
    ],
)
def test_a_name_becomes_text(name: str | Path, expected: str) -> None:
    assert path_text(name) == expected


def test_sizes_are_for_people() -> None:
    assert [format_bytes(n) for n in (0, 300 * 2**20, 2**30, 3 * 2**29)] == ["0 MiB", "300 MiB", "1.0 GiB", "1.5 GiB"]


def test_a_number_has_its_noun() -> None:
    assert [quantity(n, "token") for n in (0, 1, 2, 1000)] == ["0 tokens", "1 token", "2 tokens", "1,000 tokens"]
    assert [quantity(n, "copy", "copies") for n in (1, 2)] == ["1 copy", "2 copies"]


def test_only_the_first_letter_becomes_a_capital() -> None:
    assert capitalize_first("a head of Qwen and RoPE") == "A head of Qwen and RoPE"
    assert capitalize_first("") == ""
