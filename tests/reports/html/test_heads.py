"""The table of heads as a page: its figures, its order by any column, its explanations, in a window of any width."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from octavo.interpret.head_labels import MEANINGS
from octavo.interpret.head_table import HeadTable
from octavo.reports.html import make_page
from octavo.reports.html.heads import HeadsView, heads_part

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

MakeTable = Callable[..., HeadTable]
LOOKS = [(width, scheme) for width in (360, 1440) for scheme in ("light", "dark")]


@pytest.fixture
def table(make_table: MakeTable) -> HeadTable:
    return make_table(
        [{"previous": 0.8, "cost": 0.05}, {"previous": 0.1, "cost": 0.4}],
        [{"previous": 0.3, "from_even": 0.0}, {"previous": 0.2, "line": 0.6}],
        without=["speaker"],
    )


def shown(tab: "Tab") -> list[str]:
    return [row.inner_text().split("\n")[0] for row in tab.locator("tbody th").all()]


def button(tab: "Tab", title: str) -> Any:
    return tab.get_by_role("columnheader", name=title).get_by_role("button")


class TestWriting:
    def test_figures_intervals_chance_and_names_are_there_without_script(self, table: HeadTable) -> None:
        html = heads_part(table).html
        for text in (
            "80.0",
            "79.0…81.0",
            "0.400",
            "0.390…0.410",
            "uniform attention",
            "previous token",
            "line starts",
        ):
            assert text in html
        assert html.count("none in this text") == 1 + 1, "in the column and below"
        assert "Speaker&#39;s name: none in this text." in html
        assert html.count('framed" data-value') == 2
        assert escape(MEANINGS["even"]) in html

    def test_shades_are_of_the_share_and_of_the_dearest_cost(self, table: HeadTable) -> None:
        html = heads_part(table).html
        assert 'class="number cool-8 framed"' in html
        assert html.count("warm-6") == html.count("warm-1") == 3
        assert html.count("warm-2") == 6, "a quarter of the dearest"

    def test_what_a_run_is_called_is_no_markup(self, table: HeadTable) -> None:
        evil = "</script><img src=x onerror=alert(1)>"
        page = HeadsView(dataclasses.replace(table, text=evil), evil).page
        assert "<img" not in page.html

    def test_a_text_of_one_window_has_no_intervals(self, make_table: MakeTable) -> None:
        given = make_table([{}])
        bits = dataclasses.replace(given.bits_per_character, n=1, low=None, high=None)
        html = heads_part(dataclasses.replace(given, windows=1, bits_per_character=bits)).html
        assert "One window has no intervals" in html

    def test_models_whose_heads_cost_nothing(self, make_table: MakeTable) -> None:
        assert "warm-" not in heads_part(make_table([{"cost": 0.0}])).html

    def test_it_shows_itself(self, table: HeadTable) -> None:
        value = HeadsView(table, "run")
        assert "<iframe" in value._repr_html_()
        assert len(value.figure().axes) == 3


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), LOOKS)
    def test_it_opens(self, opened: Any, table: HeadTable, width: int, scheme: str) -> None:
        tab: Tab = opened(HeadsView(table, "run").page, width=width, scheme=scheme)
        assert shown(tab) == ["0.0", "0.1", "1.0", "1.1"]

    def test_a_title_sorts_by_its_column_and_back(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(HeadsView(table, "run").page)
        button(tab, "previous token").click()
        assert shown(tab) == ["0.0", "1.0", "1.1", "0.1"]
        assert tab.locator("th[aria-sort]").count() == 1
        assert tab.locator("th[aria-sort=descending]").inner_text().startswith("previous token")
        button(tab, "previous token").click()
        assert shown(tab) == ["0.1", "1.1", "1.0", "0.0"]
        button(tab, "speaker's name").click()
        assert shown(tab) == ["0.0", "0.1", "1.0", "1.1"], "nothing to sort by"
        button(tab, "head").first.click()
        assert shown(tab) == ["0.0", "0.1", "1.0", "1.1"]
        assert tab.locator("tfoot th").inner_text() == "uniform attention"

    def test_the_keyboard_does_it_too_and_it_is_said(self, opened: Any, table: HeadTable) -> None:
        from playwright.sync_api import expect

        tab: Tab = opened(HeadsView(table, "run").page)
        button(tab, "zero").focus()
        tab.keyboard.press("Enter")
        assert shown(tab) == ["0.1", "1.0", "1.1", "0.0"]
        expect(tab.locator("[aria-live]")).to_have_text("sorted by zero, descending")

    def test_columns_and_names_are_explained_on_focus_hover_and_tap(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(HeadsView(table, "run").page, touch=True, width=360)
        tab.locator(".name").nth(0).tap()
        assert tab.locator(".tip").inner_text() == MEANINGS["previous"]
        tab.keyboard.press("Escape")
        assert tab.locator(".tip").is_hidden()
        tab.locator(".name").nth(2).focus()
        assert tab.locator(".tip").inner_text() == MEANINGS["even"]
        button(tab, "itself").focus()
        assert tab.locator(".tip").inner_text() == "the current token"

    def test_a_name_that_takes_the_focus_has_a_role(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(HeadsView(table, "run").page)
        for name in tab.locator(".name").all():
            assert name.get_attribute("role") == "note"
            assert str(name.get_attribute("aria-label")).startswith(f"{name.inner_text()}: ")

    def test_at_360_pixels_the_first_column_stays_in_sight(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(HeadsView(table, "run").page, width=360)
        scroll, head = tab.locator(".scroll"), tab.locator("tbody th").first
        before = head.bounding_box()
        scroll.focus()
        scroll.evaluate("box => box.scrollTo(900, 0)")
        assert scroll.evaluate("box => box.scrollLeft") > 300
        assert head.bounding_box() == before

    def test_on_paper_it_fits_the_sheet_and_can_be_read(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(HeadsView(table, "run").page, width=680)  # 180 mm: a sheet less its margins
        tab.emulate_media(media="print")
        box = tab.locator("table").bounding_box()
        assert box
        assert box["width"] <= 680
        for text in ("tbody td", "tbody small", "thead button"):
            size = tab.locator(text).first.evaluate("cell => parseFloat(getComputedStyle(cell).fontSize)")
            assert round(0.75 * size, 2) >= 7, "points"

    def test_two_tables_on_a_page_do_not_meddle(self, opened: Any, table: HeadTable) -> None:
        tab: Tab = opened(make_page("Two", [heads_part(table), heads_part(table)]))
        button(tab, "previous token").nth(1).click()
        assert shown(tab) == ["0.0", "0.1", "1.0", "1.1", "0.0", "1.0", "1.1", "0.1"]
