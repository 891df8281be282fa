"""Texts of scripts that are read from right to left, and of several scripts, in a real browser."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from octavo.evaluate.overlap import HighlightedCopies
from octavo.interpret.attention import AttentionPatterns
from octavo.interpret.predictions import Prediction
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import BOS_LABEL, Alignment, Passage
from octavo.reports.blocks import Samples
from octavo.reports.html import make_page
from octavo.reports.html.attention import attention_part
from octavo.reports.html.blocks import block_part
from octavo.reports.html.surprise import surprise_part

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

HEBREW = (BOS_LABEL, "של", "ום", " ע", "ול", "ם", "⟨d7⟩", "⟨a9⟩", ".")
MIXED = ("שלום", " he", "llo", " wo", " עולם", " גדול", "!")
ENGLISH = ("The", " word ", "של", "ום", " is", " He", "brew")


def attention(tab_of: Any, tokens: tuple[str, ...], **window: Any) -> "Tab":
    patterns = np.tril(np.full((1, 1, len(tokens), len(tokens)), 0.1, np.float32))
    passage = Passage(tuple(range(len(tokens))), tokens, has_bos=tokens[0] == BOS_LABEL)
    tab: Tab = tab_of(make_page("Attention", [attention_part(AttentionPatterns(passage, patterns))]), **window)
    return tab


def lefts(boxes: "Locator") -> list[float]:
    """Where each box begins at its left."""
    found: list[float] = boxes.evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().left)")
    return found


def order(boxes: "Locator", chosen: list[int]) -> list[int]:
    """Those boxes from left to right."""
    left = lefts(boxes)
    return sorted(chosen, key=lambda box: left[box])


class TestAttention:
    @pytest.mark.parametrize("script", [True, False])
    def test_tokens_of_hebrew_run_from_right_to_left(self, opened: Any, script: bool) -> None:
        boxes = attention(opened, HEBREW, script=script).locator(".passage > .token")
        assert order(boxes, list(range(9))) == list(range(8, -1, -1))

    def test_words_of_another_script_run_their_own_way(self, opened: Any) -> None:
        boxes = attention(opened, MIXED).locator(".passage > .token")
        assert order(boxes, list(range(7))) == [6, 5, 4, 1, 2, 3, 0]
        boxes = attention(opened, ENGLISH).locator(".passage > .token")
        assert order(boxes, list(range(7))) == [0, 1, 3, 2, 4, 5, 6]

    def test_the_key_to_the_left_goes_to_the_token_at_the_left(self, opened: Any) -> None:
        tab = attention(opened, HEBREW)
        boxes = tab.locator(".passage > .token")
        boxes.nth(1).focus()
        tab.keyboard.press("ArrowLeft")
        assert boxes.nth(2).evaluate("e => e === document.activeElement")
        tab.keyboard.press("ArrowRight")
        assert boxes.nth(1).evaluate("e => e === document.activeElement")

    def test_what_is_said_of_two_tokens_keeps_its_order(self, opened: Any) -> None:
        tab = attention(opened, HEBREW)
        tab.locator(".heatmap canvas").hover(position={"x": 5, "y": 200})
        said = tab.locator(".attention-large > p.note")
        spot = "(p, i) => { const r = document.createRange(); r.selectNodeContents(p.childNodes[i]); return r"
        places = [said.evaluate(f"(p) => ({spot}.getBoundingClientRect().left }})(p, {i})") for i in range(5)]
        assert said.inner_text().endswith(f"attends to “{BOS_LABEL}”: 10 %")
        assert places == sorted(places)

    @pytest.mark.parametrize("width", [390, 1440])
    def test_it_fits_the_window(self, opened: Any, width: int) -> None:
        boxes = attention(opened, HEBREW * 6, width=width).locator(".passage > .token")
        assert min(lefts(boxes)) >= 0


def surprise(*pieces: str) -> Surprise:
    tokens = tuple(TokenSurprise(piece, 1.0, 1, (Prediction(piece, 0.4),)) for piece in pieces)
    cuts = tuple(Alignment(piece, place, place + 1) for place, piece in enumerate(pieces))
    return Surprise("".join(pieces), tokens, cuts, 32, lossless_tokenizer=True)


class TestSurprise:
    def test_each_line_has_its_own_direction(self, opened: Any) -> None:
        text = surprise("של", "ום", " he", "llo", " עו", "לם", "\r\n", "In", " English", "\n", "של", "ום")
        tab: Tab = opened(make_page("Surprise", [surprise_part(text)]))
        pieces = tab.locator(".surprise-text > span")
        assert order(pieces, list(range(6))) == [5, 4, 2, 3, 1, 0]
        assert order(pieces, [7, 8]) == [7, 8]
        assert order(pieces, [10, 11]) == [11, 10]
        around = tab.locator(".surprise-text").bounding_box()
        assert around
        assert lefts(pieces)[7] == pytest.approx(around["x"], abs=1), "English begins at the left"
        assert lefts(pieces)[0] > around["x"] + around["width"] / 2, "Hebrew begins at the right"
        assert tab.inner_text(".surprise-text").splitlines() == ["שלום hello עולם↵", "In English↵", "שלום"]

    def test_letters_and_emoji_stay_whole_across_pieces(self, opened: Any) -> None:
        def width(*pieces: str) -> float:
            tab: Tab = opened(make_page("Surprise", [surprise_part(surprise(*pieces))]))
            widths: list[float] = tab.locator(".surprise-text > span").evaluate_all(
                "(all) => all.map((e) => e.getBoundingClientRect().width)"
            )
            return sum(widths)

        joined = "می\u200cخواهم"
        assert width(*joined) == pytest.approx(width(joined), abs=0.5)
        tab: Tab = opened(make_page("Surprise", [surprise_part(surprise(*joined, "\xa0", *"👩\u200d👧"))]))
        assert tab.inner_text(".surprise-text") == joined + "\xa0👩\u200d👧"


def test_each_line_of_a_sample_has_its_own_direction(opened: Any) -> None:
    text = "שלום hello.\nIn English.\nשלום."
    tab: Tab = opened(
        make_page("Samples", [block_part(Samples(HighlightedCopies((text,), (((0, 4),),), 24, 0.1, 0.2), []))]),
        width=390,
    )
    first = """(pre, word) => {
      const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT), range = document.createRange();
      for (let node; (node = walker.nextNode()); ) {
        const at = node.data.lastIndexOf(word);
        if (at >= 0) { range.setStart(node, at); range.setEnd(node, at + word.length); }
      }
      return range.getBoundingClientRect().left - pre.getBoundingClientRect().left;
    }"""
    pre = tab.locator("pre")
    room = pre.evaluate("pre => pre.clientWidth")
    assert pre.evaluate(first, "In English") < 30
    assert pre.evaluate(first, "שלום") > room / 2
    assert pre.evaluate(first, "hello") < pre.evaluate(first, "שלום")
