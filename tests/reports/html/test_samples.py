"""Samples with what is copied marked."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from octavo.evaluate.overlap import HighlightedCopies, highlight_copies
from octavo.pipeline.run import Run
from octavo.reports.blocks import Samples
from octavo.reports.html import make_page
from octavo.reports.html.blocks import block_part
from octavo.reports.sections import sample_notes

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"


def test_copied_stretches_are_marked_and_the_text_is_whole(play: str) -> None:
    copy = play[3_000:3_040]
    copies = highlight_copies(["new " * 9 + "§" + copy, "§§"], [play[:400]], [play])
    html = block_part(Samples(copies, sample_notes(copies, None))).html
    assert [text.replace("&#39;", "'") for text in re.findall(r"<mark>(.*?)</mark>", html, re.DOTALL)] == [copy]
    assert all(fact in html for fact in ("24 characters", "50.6 %", "100.0 %"))


def test_nothing_in_a_text_becomes_markup() -> None:
    html = block_part(Samples(HighlightedCopies((EVIL + "\x1b[31m",), (((2, 12),),), 24, 0.1, 0.2), [])).html
    assert "<img" not in html
    assert "\x1b" not in html
    assert "\\x1b[31m" in html


@pytest.mark.parametrize("place", [3, 4, 5])
def test_a_line_end_is_one_wherever_a_copied_stretch_ends(place: int) -> None:
    html = block_part(Samples(HighlightedCopies(("abc\r\nde",), (((0, place),),), 24, 0.1, 0.2), [])).html
    (text,) = re.findall(r"<pre[^>]*>\n(.*)</pre>", html, re.DOTALL)
    assert re.sub("</?mark>", "", text) == "abc\nde"


def test_the_figures_stand_beside_those_of_held_out_text(trained: Run) -> None:
    found = trained.saved_memorisation
    assert found
    html = " ".join(sample_notes(HighlightedCopies(("a",), ((),), 24, 0, 0), found))
    assert f"longest run {found.generated.longest_run} characters" in html
    assert f"validation split: {found.held_out.longest_run}" in html
    assert "temperature 1" in html


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_it_fits_the_window(opened: Any, play: str, width: int, scheme: str) -> None:
    marked = highlight_copies([play[:500], "x" * 300, EVIL], [play], [play])
    tab: Tab = opened(make_page("Samples", [block_part(Samples(marked, []))]), width=width, scheme=scheme)
    assert tab.locator("mark").inner_text() == play[:500]
    assert tab.locator("mark").evaluate("e => getComputedStyle(e).textDecorationLine") == "underline"
    assert tab.locator("pre").nth(2).inner_text() == EVIL
