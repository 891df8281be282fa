"""Sentences, lists, tables, code and sections."""

from typing import TYPE_CHECKING, Any

import pytest

from octavo.evaluate.diagnosis.case import Finding
from octavo.reports.blocks import Block, Code, Dot, Facts, Findings, ScoreDots, Sentences, Table, Tables
from octavo.reports.html import HtmlPart, make_page
from octavo.reports.html.blocks import (
    block_part,
    contents_part,
    section_part,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"
TABLE = Table(("name", EVIL), [(EVIL, EVIL)], EVIL)
BLOCKS: list[Block] = [
    Sentences([EVIL]),
    Facts({EVIL: EVIL, "long": "x" * 200}),
    Tables([TABLE, TABLE]),
    Code(EVIL + "x" * 200),
    Findings([Finding(EVIL, "error", EVIL, EVIL), Finding("b", "warning", "c"), Finding("d", "note", "e")]),
]
PARTS = list(map(block_part, BLOCKS))


@pytest.mark.parametrize("part", PARTS)
def test_text_is_text(part: HtmlPart) -> None:
    assert "<img" not in part.html
    assert "&lt;img" in part.html


def test_a_section_needs_what_its_parts_need() -> None:
    part = section_part(
        "key",
        EVIL,
        EVIL,
        [HtmlPart(block_part(Sentences([""])).html, ("a.js",)), block_part(ScoreDots([Dot("a", 1)], Table((), [])))],
    )
    assert part.scripts == ("a.js",)
    assert part.styles == ("plain.css", "scores.css")
    assert "<img" not in part.html


def test_a_finding_names_its_severity() -> None:
    html = PARTS[-1].html
    assert "(error)" in html
    assert "(warning)" in html
    assert html.count("To fix:") == 1


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_it_fits_the_window_and_links_lead_to_sections(opened: Any, width: int, scheme: str) -> None:
    sections = [section_part(key, f"Section {key}", "", PARTS) for key in ("a", "b")]
    contents = contents_part({"a": "Section a", "b": "Section b"})
    tab: Tab = opened(make_page("Plain", [contents, *sections]), width=width, scheme=scheme)
    tab.emulate_media(reduced_motion="reduce")  # it would scroll smoothly
    tab.get_by_role("link", name="Section b").click()
    box = tab.locator("#b h2").bounding_box()
    assert box
    assert -1 <= box["y"] < 450


def test_no_word_of_a_table_is_broken_in_a_narrow_window_and_its_rows_keep_their_names(opened: Any) -> None:
    rows = [("parameters", *["504,576"] * 6), ("tokenizer.vocab_size", *["AMD EPYC, 2 cores"] * 6)]
    table = block_part(Table(("setting", *[f"{n} a-long-name" for n in range(6)]), rows))
    tab: Tab = opened(make_page("Plain", [table]), width=360)
    for word in ("parameters", "504,576", "tokenizer.vocab_size"):
        cell = tab.get_by_text(word, exact=True).first
        assert (
            cell.evaluate(
                "cell => { const all = document.createRange(); all.selectNodeContents(cell); "
                "return all.getClientRects().length }"
            )
            == 1
        ), word
    name = tab.get_by_text("parameters")
    before = name.bounding_box()
    tab.locator(".scroll").evaluate("box => box.scrollTo(200, 0)")
    assert tab.locator(".scroll").evaluate("box => box.scrollLeft") == 200
    assert name.bounding_box() == before
