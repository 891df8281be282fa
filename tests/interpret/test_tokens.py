"""Labels in which everything is to be seen, and running text whose words stay whole."""

import pytest

from octavo.interpret.tokens import BOS_LABEL, inline_label, visible_label, visible_text
from octavo.reports.figures.files import drawable


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        (" the", "␣the"),
        (":\n\n", ":↵↵"),
        ("\t", "⇥"),
        (".\r\n\r\n", ".↵↵"),
        ("\r", "\\r"),  # a token that is half a line end
        ("a\xa0b\u3000", "a\\xa0b\\u3000"),
        ("\u3164", "\\u3164"),  # a letter that is not seen
        ("\u202e\u200b", "\\u202e\\u200b"),
        ("\U000e0001", "\\U000e0001"),
        ("\x1b[31m", "\\x1b[31m"),
        ("日本 é", "日本␣é"),
        (BOS_LABEL, BOS_LABEL),
        ("", ""),
    ],
)
def test_white_space_and_what_does_not_show(label: str, seen: str) -> None:
    assert visible_label(label) == seen


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("\u200d", "\\u200d"),
        ("\ufe0f", "\\ufe0f"),
        ("\u0301", "◌\u0301"),
        ("\u05b8ל", "◌\u05b8ל"),
        ("ि", "◌ि"),
        ("कि", "कि"),
    ],
)
def test_parts_of_letters_and_emoji_are_to_be_seen_and_whole_ones_stay_whole(label: str, seen: str) -> None:
    assert visible_label(label) == inline_label(label) == seen


@pytest.mark.parametrize(
    ("label", "alone"),
    [
        ("\u200cها", "\\u200cها"),
        ("👩\u200d", "👩\\u200d"),
        ("\u200d♀\ufe0f", "\\u200d♀\ufe0f"),
        ("\ufe0f خانه", "\\ufe0f␣خانه"),
    ],
)
def test_a_joiner_at_the_edge_of_a_token_joins_its_neighbours_in_running_text(label: str, alone: str) -> None:
    assert visible_label(label) == alone
    assert inline_label(label) == label
    assert inline_label("\u200c") == "\\u200c", "it would not be seen alone"


def test_a_label_in_its_text_keeps_spaces_and_line_ends() -> None:
    assert inline_label("a b\r\nc\td\xa0\u3000\r") == "a b\nc⇥d\xa0\u3000\\r"


RUNNING = "می\u200cخواهم\xa0👩\u200d👧 ❤\ufe0f\u3000日本\r\n\x1bו\t\u0301"


def test_in_running_text_nothing_falls_apart() -> None:
    kept = "می\u200cخواهم\xa0👩\u200d👧 ❤\ufe0f\u3000日本"
    assert visible_text(RUNNING) == kept + "↵\\x1bו⇥\u0301"
    assert visible_text(RUNNING, lines=True) == kept + "\n\\x1bו⇥\u0301"


def test_figures_can_draw_the_signs() -> None:
    assert drawable(visible_label(" \n\t") + BOS_LABEL) == "␣↵⇥" + BOS_LABEL
