"""An edit on a page: a table that reads without a script, and whose text is text."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from octavo.interpret.edit import Edit, TokenChange
from octavo.reports.html.edit import EditView

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"
EDIT = Edit(
    text="To be\n",
    source="the given text",
    tokens=3,
    interventions=("zero blocks.0.attention.head.1", "patch blocks.1.output"),
    position=None,
    token_label="",
    other_label="",
    mean_tokens=0,
    candidates=(TokenChange(" or", 0.9, 0.125), TokenChange(EVIL, 0.0001, 0.8)),
    divergence_bits=1.25,
    bits_per_character_before=1.5,
    bits_per_character_after=2.25,
    lossless_tokenizer=True,
)


def test_what_it_says() -> None:
    html = EditView(EDIT, "hamlet").page.html
    for said in (
        "zero blocks.0.attention.head.1",
        "␣or",
        "90.0 %",
        "12.5 %",
        "1.2500 bits",
        "(+0.7500)",
        "To be↵",
        "given text: 6 characters, 3 tokens",
    ):
        assert said in html
    assert "tokenizer is lossy" not in html
    assert "<img" not in html


def test_what_else_there_is_to_say() -> None:
    edit = replace(EDIT, lossless_tokenizer=False, position=2, token_label=" be", text="x" * 100)
    html = EditView(edit, "hamlet").page.html
    assert "tokenizer is lossy" in html
    assert "zero blocks.0.attention.head.1 at token 2, &#39;␣be&#39;<" in html
    assert "…" + "x" * 60 + "<" in html


def test_it_shows_itself_in_a_notebook() -> None:
    assert "sandbox" in EditView(EDIT, "hamlet")._repr_html_()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_it_opens(opened: Any, width: int, scheme: str, tmp_path: Path) -> None:
    tab: Tab = opened(EditView(EDIT, "hamlet").page, width=width, scheme=scheme)
    assert tab.locator("tbody tr").count() == 2
    assert EVIL.replace(" ", "␣") in tab.inner_text("tbody")
