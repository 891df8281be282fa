"""Texts with what of them is copied."""

import pytest

from octavo.evaluate.overlap import HIGHLIGHT_LENGTH, highlight_copies


def test_copies_are_marked_where_they_are(play: str) -> None:
    copy = play[2_000:2_050]
    found = highlight_copies(["§" * 30 + copy, "nothing"], [play[500:540] + "§" * 60], [play])
    assert found.spans == (((30, 80),), ())
    assert found.texts[0][30:80] == copy
    assert found.fraction == pytest.approx(50 / 87)
    assert found.baseline == pytest.approx(40 / 100)


def test_what_is_shorter_is_not(play: str) -> None:
    assert highlight_copies([play[:HIGHLIGHT_LENGTH]], [], [play]).fraction == 1
    assert highlight_copies(["§" + play[: HIGHLIGHT_LENGTH - 1] + "§"], [], [play]).fraction == 0


def test_of_much_other_text_the_beginning_is_looked_up(play: str) -> None:
    found = highlight_copies([], [play[:30_000], "§" * 70_000, play[:30_000]], [play])
    assert found.baseline == pytest.approx(0.3)
    assert found.fraction == 0
