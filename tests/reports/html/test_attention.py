"""The attention viewer: what it shows is what the model weighed, to eye, finger, keyboard and ear."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from octavo.interpret.attention import AttentionPatterns
from octavo.interpret.tokens import BOS_LABEL, Passage
from octavo.reports.html import Page, make_page
from octavo.reports.html.attention import AttentionView, attention_part

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"
LABELS = (BOS_LABEL, "To", " be", ",\n", EVIL, " not", "é")


def attention(labels: tuple[str, ...] = LABELS, layers: int = 2, heads: int = 3) -> AttentionPatterns:
    """Weights by chance, sharp enough that the likeliest are clear."""
    length = len(labels)
    scores = 3 * np.random.default_rng(0).standard_normal((layers, heads, length, length))
    weights = np.tril(np.exp(scores))
    patterns = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    return AttentionPatterns(Passage(tuple(range(length)), labels, has_bos=True), patterns)


def page(**options: Any) -> Page:
    return make_page("Attention", [attention_part(attention(), **options)])


def shares(tab: "Tab") -> list[tuple[str, float]]:
    """What is listed of the token: labels and shares."""
    rows = tab.locator(".attention-values li").all()
    return [
        (row.locator("span").nth(0).inner_text(), percent(row.locator("span").nth(2).inner_text())) for row in rows
    ]


def percent(text: str) -> float:
    return float(text.removesuffix(" %").replace("<0.2", "0.1")) / 100


def expected(weights: "np.ndarray[Any, Any]") -> list[float]:
    return sorted(map(float, weights), reverse=True)[:5]


def word(tab: "Tab", index: int) -> Any:
    return tab.locator(".passage > .token").nth(index)


class TestWriting:
    def test_the_weights_are_those_of_the_patterns(self) -> None:
        given = attention()
        found = re.search(r'<script type="application/json">(.*?)</script>', attention_part(given).html)
        assert found
        data = json.loads(found[1])
        packed = iter(b64decode(data["weights"]))
        assert data["shape"] == [2, 3, 7]
        for layer, head, query in np.ndindex(2, 3, 7):
            row = [next(packed) / 255 for _ in range(query + 1)]
            assert row == pytest.approx(
                given.patterns[layer, head, query, : query + 1].tolist(), abs=0.5 / 255 + 1e-6
            )
        assert next(packed, None) is None

    def test_white_space_is_seen_and_nothing_becomes_markup(self) -> None:
        html = attention_part(attention()).html
        assert "<img" not in html
        found = re.search(r'<script type="application/json">(.*?)</script>', html)
        assert found
        assert json.loads(found[1])["labels"] == [BOS_LABEL, "To", "␣be", ",↵", EVIL.replace(" ", "␣"), "␣not", "é"]

    def test_a_passage_of_one_token(self) -> None:
        assert "<td" not in attention_part(attention(("a",), 1, 1)).html, "there is no token that has a choice"

    def test_a_page_of_whole_context_is_small(self) -> None:
        shown = AttentionView(attention(tuple("abcdefgh" * 16), layers=2, heads=4), "run", "all 128 tokens of a text")
        assert len(shown.page.html) < 200_000
        assert "2 layers of 4 heads" in shown.page.html
        assert "all 128 tokens of a text" in shown.page.html
        assert "srcdoc=" in shown._repr_html_()

    def test_its_figures_are_the_heatmaps(self) -> None:
        figures = AttentionView(attention(), "run", "a text").figures()
        titles = {name: figure.get_suptitle() for name, figure in figures.items()}
        assert titles == {"layer-0": "run, layer 0", "layer-1": "run, layer 1"}
        (name, figure), *others = AttentionView(attention(), "run", "a text", layer=1, head=2).figures().items()
        assert name == "layer-1-head-2"
        assert [axes.get_title() for axes in figure.axes[:-1]] == ["head 2"]
        assert not others

    def test_it_begins_with_the_head_asked_for(self) -> None:
        html = AttentionView(attention(), "run", "a text", layer=1, head=2).page.html
        assert '"layer":1' in html
        assert '"head":2' in html


class TestInABrowser:
    @pytest.mark.parametrize("width", [390, 1440])
    def test_a_token_of_hundreds_of_letters_takes_one_line_of_the_list(self, opened: Any, width: int) -> None:
        labels = (BOS_LABEL, "-" * 500, "\n", "-" * 400, "a")
        tab = opened(make_page("Attention", [attention_part(attention(labels))]), width=width)
        heights = tab.locator(".attention-values li").evaluate_all("(all) => all.map((e) => e.offsetHeight)")
        assert len(heights) == 5
        assert max(heights) < 40

    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_a_long_passage_fits_the_window(self, opened: Any, width: int, scheme: str) -> None:
        labels = (BOS_LABEL, *("Some", " words", "\n", "x" * 60) * 12)
        tab: Tab = opened(make_page("Attention", [attention_part(attention(labels))]), width=width, scheme=scheme)
        assert tab.locator(".attention-thumb canvas").count() == 6
        rows = tab.locator(".heatmap-queries span")
        assert rows.count() == 49
        size = rows.first.bounding_box()
        assert size
        assert size["height"] >= 11, "a label that can be read"

    def test_pointing_at_a_token_shows_what_it_looks_at(self, opened: Any) -> None:
        patterns = attention().patterns
        tab: Tab = opened(page(layer=1, head=2))
        word(tab, 5).hover()
        found = shares(tab)
        assert [share for _, share in found] == pytest.approx(expected(patterns[1, 2, 5, :6]), abs=0.006)
        heaviest = int(patterns[1, 2, 5].argmax())
        assert found[0][0] == [BOS_LABEL, "To", "␣be", ",↵", EVIL.replace(" ", "␣"), "␣not", "é"][heaviest]
        grounds = [word(tab, i).evaluate("e => e.style.backgroundColor") for i in range(7)]
        ends = [float(share) for ground in grounds for share in re.findall(r"([\d.]+)%", ground)[:1]]
        assert grounds[6] == grounds[6].replace("end", ""), "what comes later cannot be looked at"
        assert ends[6] == 0
        assert max(range(6), key=lambda i: ("end" in grounds[i], ends[i])) == heaviest
        tab.mouse.move(0, 0)
        assert tab.inner_text(".attention-values b") == "é", "the pointer has left: the token chosen before"

    def test_keys_move_among_tokens_and_heads(self, opened: Any) -> None:
        patterns = attention().patterns
        tab: Tab = opened(page())
        word(tab, 2).click()
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowLeft")
        assert tab.inner_text(".attention-values b") == ",↵"
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("ArrowDown")
        assert tab.inner_text(".attention-values p").startswith("In layer 1, head 0")
        assert [s for _, s in shares(tab)] == pytest.approx(expected(patterns[1, 0, 3, :4]), abs=0.006)
        tab.keyboard.press("ArrowUp")
        assert tab.inner_text("figcaption").startswith("layer 0, head 2")
        tab.keyboard.press("Home")
        assert tab.inner_text(".attention-values b") == BOS_LABEL
        assert tab.locator(".passage > [tabindex='0']").count() == 1, "one stop for the tab key"
        tab.keyboard.press("Shift+Tab")
        tab.keyboard.press("Shift+Tab")
        tab.keyboard.press("Shift+Tab")
        assert tab.evaluate("document.activeElement.className") == "attention-thumb"
        tab.keyboard.press("End")
        tab.keyboard.press("ArrowUp")
        assert tab.inner_text("figcaption").startswith("layer 0, head 2")

    def test_a_tap_does_what_pointing_does(self, opened: Any) -> None:
        tab: Tab = opened(page(), width=360, touch=True)
        word(tab, 4).tap()
        assert tab.inner_text(".attention-values b") == EVIL.replace(" ", "␣")
        tab.locator(".attention-thumb").nth(4).tap()
        assert tab.inner_text("figcaption").startswith("layer 1, head 1")
        for button in tab.locator("button").all():
            size = button.bounding_box()
            assert size
            assert min(size["width"], size["height"]) >= 44, "a finger's width"

    def test_what_looks_at_a_token(self, opened: Any) -> None:
        patterns = attention().patterns
        tab: Tab = opened(page())
        tab.get_by_role("button", name="as key").click()
        word(tab, 1).click()
        assert [s for _, s in shares(tab)] == pytest.approx(expected(patterns[0, 0, 1:, 1]), abs=0.006)
        assert tab.inner_text(".attention-values p").endswith("is attended to by")

    def test_the_heatmap_tells_each_weight(self, opened: Any) -> None:
        patterns = attention().patterns
        tab: Tab = opened(page(layer=1, head=1))
        canvas = tab.locator(".heatmap canvas")
        box = canvas.bounding_box()
        assert box
        side = box["width"] / 7
        canvas.hover(position={"x": 1.5 * side, "y": 5.5 * side})
        said = tab.inner_text(".attention-large p")
        assert said.startswith("“␣not” attends to “To”: ")
        assert percent(said.split(": ")[1]) == pytest.approx(float(patterns[1, 1, 5, 1]), abs=0.006)
        assert tab.locator(".heatmap .lit").all_inner_texts() == ["To", "␣not"]
        canvas.hover(position={"x": 5.5 * side, "y": 1.5 * side})
        assert "masked" in tab.inner_text(".attention-large p")
        canvas.click(position={"x": 0.5 * side, "y": 3.5 * side})
        tab.mouse.move(0, 0)
        assert tab.inner_text(".attention-values b") == ",↵", "a click keeps the row"

    def test_it_is_painted_in_the_colours_of_the_theme(self, opened: Any) -> None:
        tab: Tab = opened(page())
        corner = """() => {
          const copy = document.createElement("canvas").getContext("2d");
          copy.drawImage(document.querySelector(".heatmap canvas"), 0, 0);
          return copy.getImageData(0, 0, 1, 1).data.join();
        }"""
        assert tab.evaluate(corner) == "11,42,92,255", "the first token looks at itself alone: the end of the scale"
        tab.get_by_role("button", name="Dark theme").click()
        assert tab.evaluate(corner) == "207,227,255,255"
        tab.emulate_media(media="print")
        for _ in range(100):  # frames, until scripts have heard of it
            if tab.evaluate(corner) == "11,42,92,255":
                break
            tab.evaluate("new Promise(requestAnimationFrame)")
        assert tab.evaluate(corner) == "11,42,92,255", "paper is light"

    @pytest.mark.parametrize("tokens", [4, 128])
    def test_on_paper_the_whole_heatmap_fits_the_sheet(self, opened: Any, tmp_path: Path, tokens: int) -> None:
        long = attention((BOS_LABEL, *["speak"] * (tokens - 1)), layers=1, heads=1)
        tab: Tab = opened(make_page("Attention", [attention_part(long)]))
        wide = "document.querySelector('.heatmap > div').getBoundingClientRect().width"
        before = tab.evaluate(wide)
        tab.evaluate(f"addEventListener('beforeprint', () => (window.printed = {wide}))")
        tab.pdf(path=tmp_path / "page.pdf", format="A4")
        assert min(680, 30 * tokens) - 60 < tab.evaluate("window.printed") <= 680, "180 mm: a sheet less its margins"
        assert tab.evaluate(wide) == before

    def test_keys_are_explained_where_there_are_any(self, opened: Any) -> None:
        said = "on a head ← → go to the next one and ↑ ↓ to another layer"
        tab: Tab = opened(page())
        assert said in tab.inner_text(".attention-reading .note")
        tab.emulate_media(media="print")
        assert said not in tab.inner_text(".attention-reading .note")
        tab = opened(page(), script=False)
        assert said not in tab.inner_text(".attention-reading .note")
        tab = opened(page())
        tab.locator(".attention-thumb").nth(1).focus()
        tab.keyboard.press("ArrowRight")
        assert tab.inner_text("figcaption").startswith("layer 0, head 2")
        tab.keyboard.press("ArrowDown")
        assert tab.inner_text("figcaption").startswith("layer 1, head 2")

    def test_what_is_shown_is_said_aloud(self, opened: Any) -> None:
        tab: Tab = opened(page())
        word(tab, 1).click()
        region = tab.locator("[aria-live=polite]")
        region.get_by_text("layer 0, head 0: To attends to").wait_for(state="attached")
        assert tab.locator(".passage").get_attribute("role") == "toolbar"
        assert word(tab, 1).get_attribute("aria-pressed") == "true"

    def test_without_script_the_passage_and_the_numbers_are_there(self, opened: Any) -> None:
        tab: Tab = opened(page(), width=360, script=False)
        assert tab.inner_text(".passage") == f"{BOS_LABEL}To be,↵\n{EVIL} noté"
        tab.locator("summary").click()
        assert tab.locator("tbody tr").count() == 6
        assert tab.locator("noscript").inner_text()
