"""The direction of a text."""

import pytest

from octavo.interpret.direction import direction_of, is_made_up
from octavo.interpret.tokens import START


@pytest.mark.parametrize(
    ("labels", "direction"),
    [
        ((START, "של", "ום"), "rtl"),
        (("hello", " שלום עולם"), "rtl"),  # though its first letter is Latin
        (("שלום", " hello world"), "ltr"),
        (("سلام",), "rtl"),
        (("⟨d7⟩", "⟨a9⟩", "⟨d7⟩"), "rtl"),
        (("⟨e6⟩⟨97⟩", "⟨a5⟩"), "ltr"),
        (("123", " ."), "ltr"),
        ((), "ltr"),
    ],
    ids=str,
)
def test_most_letters_decide(labels: tuple[str, ...], direction: str) -> None:
    assert direction_of(labels) == direction


def test_names_of_what_is_no_text() -> None:
    assert is_made_up(START)
    assert is_made_up("a⟨d7⟩")
    assert not is_made_up("⟨abc⟩")
