"""The logit lens as a table: tokens by layers."""

import math
from typing import TYPE_CHECKING, Any

import pytest

from octavo.interpret.lens import Lens, LensCell, LensLayer
from octavo.interpret.predictions import Prediction
from octavo.interpret.tokens import BOS_LABEL, Passage
from octavo.reports.html import Page
from octavo.reports.html.lens import LensView, lens_part

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"
LABELS = (BOS_LABEL, "To", " be", EVIL)


def cell(probability: float, guess: str, came: float | None, rank: int | None) -> LensCell:
    return LensCell(
        (Prediction(guess, probability), Prediction("other", (1 - probability) / 2)), came and -math.log(came), rank
    )


def lens(scored: bool = True, tied: bool = True, residual: bool = True) -> Lens:
    """Four tokens, three layers; the last layer is right twice."""
    itself = [cell(0.96, label, 0.0001, 40) for label in LABELS[:3]]
    same = [cell(0.3, " a", 0.02, 9)] * 3
    right = [cell(0.5, "To", 0.5, 1), cell(0.7, " be", 0.7, 1), cell(0.6, "!", 0.2, 2)]
    layers = (
        LensLayer("embedding", (*itself, cell(0.9, EVIL, None, None)), 9.5 if scored else None),
        LensLayer("blocks.0.output", (*same, cell(0.31, " a", None, None)), 4.25 if scored else None),
        LensLayer("blocks.1.output", (*right, cell(0.8, "?", None, None)), 2.5 if scored else None),
    )
    return Lens(Passage((0, 1, 2, 3), LABELS, has_bos=True), layers, 5000, 10_000 if scored else 0, tied, residual)


def page() -> Page:
    return LensView(lens(), "run", "all 3 tokens of a text").page


def row(tab: "Tab", where: str) -> list[str]:
    return [part.strip() for part in tab.inner_text(where).split("\t")]


def assert_actual(tab: "Tab", *facts: str) -> None:
    """The tooltip has the actual token, its probability and its rank."""
    text = tab.inner_text("#tip p")
    assert all(fact in text for fact in facts), text


class TestWriting:
    def test_what_a_model_makes_of_the_lens_is_said(self) -> None:
        html = lens_part(lens()).html
        assert "unembedding is the embedding" in html
        assert "residual" not in html
        html = lens_part(lens(tied=False, residual=False)).html
        assert "unembedding is the embedding" not in html
        assert "no residual stream" in html

    def test_layers_that_were_not_scored_have_no_scores(self) -> None:
        html = lens_part(lens(scored=False)).html
        assert "<tfoot" not in html
        assert "validation split" not in html

    def test_nothing_becomes_markup(self) -> None:
        assert "<img" not in page().html
        assert "srcdoc=" in LensView(lens(), "run", "all 3 tokens of a text")._repr_html_()


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_a_row_a_token_and_a_column_a_layer(self, opened: Any, width: int, scheme: str) -> None:
        tab: Tab = opened(page(), width=width, scheme=scheme)
        assert row(tab, "thead tr") == ["After", "embedding", "block 0", "block 1", "Actual token"]
        assert row(tab, "tbody tr:nth-child(2)") == ["To", "To", "␣a", "␣be ✓", "␣be"]
        steps = [cell.get_attribute("class") for cell in tab.locator("tbody tr:nth-child(2) .lens-cell").all()]
        assert steps == ["lens-cell cool-10", "lens-cell cool-3", "lens-cell cool-7"]
        assert row(tab, "tfoot tr:nth-child(1)")[:4] == ["Bits per character", "6.853", "3.066", "1.803"]
        assert row(tab, "tfoot tr:nth-child(2)")[:4] == ["Change", "", "-3.787", "-1.262"]

    def test_pointing_shows_the_probability_of_the_actual_token(self, opened: Any) -> None:
        tab: Tab = opened(page())
        tab.locator(".lens-cell").nth(4).hover()
        assert tab.inner_text("#tip").split("\n")[:2] == ["␣a", "30 %"]
        assert_actual(tab, "␣be", "2.0 %", "rank 9")

    def test_of_two_tokens_with_one_label_the_one_that_came_is_marked(self, opened: Any) -> None:
        twins = (Prediction("A", 0.5), Prediction("A", 0.3))
        cells = (LensCell(twins, -math.log(0.3), 2), LensCell(twins, None, None))
        found = Lens(
            Passage((0, 1), (BOS_LABEL, "A"), has_bos=True), (LensLayer("embedding", cells, None),), 0, 0, False, True
        )
        tab: Tab = opened(LensView(found, "run", "a text").page)
        assert "✓" not in tab.inner_text("tbody")
        tab.locator(".lens-cell").nth(0).hover()
        marked = [token.get_attribute("class") for token in tab.locator("#tip .predictions .token").all()]
        assert marked == ["token", "token actual"]

    def test_keys_move_across_and_down(self, opened: Any) -> None:
        tab: Tab = opened(page())
        tab.locator(".lens-cell").nth(0).focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
            tab.keyboard.press(key)
        assert_actual(tab, "␣be", "70 %", "top prediction")
        assert tab.locator("#tip .actual").inner_text() == "␣be"
        tab.keyboard.press("End")
        assert tab.inner_text("#tip").split("\n")[0] == "?"
        assert tab.locator("#tip p").count() == 0, "no token follows the last"
        tab.keyboard.press("ArrowDown")
        assert tab.inner_text("#tip").split("\n")[0] == "?", "there is no row below"

    def test_the_table_is_a_grid_to_a_screen_reader(self, opened: Any) -> None:
        tab: Tab = opened(page())
        grid = tab.get_by_role("grid")
        assert grid.get_by_role("gridcell", name="␣a").first.get_attribute("class") == "lens-cell cool-3"

    def test_a_tap_tells(self, opened: Any) -> None:
        tab: Tab = opened(page(), width=360, touch=True)
        tab.locator(".lens-cell").nth(1).tap()
        assert_actual(tab, "To", "2.0 %", "rank 9")

    def test_without_script_the_table_is_there(self, opened: Any) -> None:
        tab: Tab = opened(page(), script=False)
        assert tab.locator("tbody tr").count() == 4
        assert row(tab, "tbody tr:nth-child(4)")[1] == EVIL.replace(" ", "␣")
        assert "Point at" not in tab.inner_text("body")
