"""A prompt that suits a text."""

import base64
import random

import pytest

from octavo.corpus.lines import frequent_line_start

DNA = "".join(random.Random(0).choices("ACGT", k=5000))
BASE64 = base64.b64encode(random.Random(0).randbytes(3000)).decode()


def test_of_a_play_the_name_of_a_frequent_speaker(shakespeare: str) -> None:
    assert frequent_line_start(shakespeare) == "ROMEO:"
    assert frequent_line_start(shakespeare.replace("\n", "\r\n")) == "ROMEO:"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat.\nA dog.\nThe end is near.\n", "The"),
        ("emma\nolivia\nava\n", "emma"),
        ("one long line without any end, of many words", "one"),
        ("春眠不覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。", "春眠不覺曉"),
        ("שלום עולם\r\nשלום לך\r\nערב", "שלום"),
        ("हिन्दी में\nहिन्दी भी\nऔर", "हिन्दी"),
        ("می‌خواهم بروم\n", "می‌خواهم"),
        ("<|endoftext|>\nOnce upon a time\n<|endoftext|>\nOnce more\n" * 9, "Once more"),
        ("'? GREMIO: Good morrow,'\nGood day", "Good"),
        ("--- Chapter 1 ---\n-x\n* * *\nCall me", "Call"),
        ("12 + 7 = 19\n12 + 8 = 20\n", "12"),
        ("else:\n    x = 1\n" * 9 + "return\n" * 4, "else:"),
        ("", ""),
        ("!!!\n???\n\t\n", ""),
    ],
)
def test_of_other_texts_a_first_word(text: str, expected: str) -> None:
    assert frequent_line_start(text) == expected


@pytest.mark.parametrize("text", [DNA, BASE64, "x" * 10_000, "\u202eabc\x1b[2J" * 50, "a\x00b\n" * 50])
def test_it_is_short_and_can_be_shown_whatever_the_text(text: str) -> None:
    start = frequent_line_start(text)
    assert len(start) <= 20
    assert start.isprintable()
