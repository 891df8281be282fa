"""Labels in which everything is to be seen."""

import pytest

from octavo.interpret.passage import START
from octavo.interpret.visible import visible
from octavo.plots.lettering import drawable


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        (" the", "␣the"),
        (":\n\n", ":↵↵"),
        ("\t", "⇥"),
        ("\r", "\\x0d"),
        ("a\xa0b", "a\\xa0b"),
        ("\u202e\u200b", "\\u202e\\u200b"),
        ("\U000e0001", "\\U000e0001"),
        ("\x1b[31m", "\\x1b[31m"),
        ("日本 é", "日本␣é"),
        (START, START),
        ("", ""),
    ],
)
def test_white_space_and_what_does_not_show(label: str, seen: str) -> None:
    assert visible(label) == seen


def test_some_can_stay_as_they_are() -> None:
    assert visible("a b\nc\td", kept=" \n") == "a b\nc⇥d"


def test_figures_can_draw_the_signs() -> None:
    assert drawable(visible(" \n\t") + START) == "␣↵⇥" + START
