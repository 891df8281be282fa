"""The direction of a text."""

import pytest

from octavo.interpret.tokens import BOS_LABEL, is_placeholder, text_direction


@pytest.mark.parametrize(
    ("labels", "direction"),
    [
        ((BOS_LABEL, "של", "ום"), "rtl"),
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
    assert text_direction(labels) == direction


def test_names_of_what_is_no_text() -> None:
    assert is_placeholder(BOS_LABEL)
    assert is_placeholder("a⟨d7⟩")
    assert not is_placeholder("⟨abc⟩")
