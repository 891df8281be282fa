"""A text coloured by surprise: what it cost, and what was likelier."""

import math
from typing import TYPE_CHECKING, Any

import pytest

from octavo.interpret.predictions import Prediction
from octavo.interpret.surprise import Surprise, TokenSurprise, measure_surprise
from octavo.interpret.tokens import Alignment
from octavo.pipeline.run import Run
from octavo.reports.html import Page
from octavo.reports.html.surprise import SurpriseView, surprise_part

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"


def token(label: str, bits: float, rank: int | None = 3, *likelier: str) -> TokenSurprise:
    guesses = tuple(Prediction(name, 0.5 / (i + 1)) for i, name in enumerate(likelier))
    return TokenSurprise(label, bits * math.log(2), rank, guesses)


def surprise() -> Surprise:
    """To be↵, a dropped tab, an é of two tokens, and something evil."""
    tokens = (
        token("To", 8.2, 7, " so", EVIL),
        token(" be\n", 2.0, 1, " be\n", " do"),
        token("⟨c3⟩", 4.0, 2, "a"),
        token("⟨a9⟩", 0.0, 1, "⟨a9⟩"),
        token(EVIL, 2000.0, 11, "b"),
    )
    cuts = (("To", 0, 1), (" be\n", 1, 2), ("\t", 2, 2), ("é", 2, 4), (EVIL, 4, 5))
    return Surprise("To be\n\té" + EVIL, tokens, tuple(Alignment(*cut) for cut in cuts), 32, lossless_tokenizer=False)


def page() -> Page:
    return SurpriseView(surprise(), "run").page


def piece(tab: "Tab", index: int) -> Any:
    return tab.locator(".surprise-text > span").nth(index)


class TestWriting:
    def test_totals_in_words(self, trained: Run) -> None:
        text = trained.validation_beginning(300)
        read = measure_surprise(trained.model, trained.tokenizer, text, context_length=32)
        html = " ".join(surprise_part(read).html.split())
        assert f"{read.bits_per_character:.3f} bits per character" in html
        assert f"The 300 characters, in {len(read.tokens)} tokens" in html
        assert f"{read.total_bits:,.0f} bits" in html
        assert "lossy" not in html

    def test_what_a_tokenizer_drops_is_said(self) -> None:
        html = surprise_part(surprise()).html
        assert "1 character of this text" in html
        assert '<span class="dropped">⇥</span>' in html

    def test_a_first_token_charged_by_chance_is_said(self) -> None:
        first = Surprise("a", (token("a", 5, None),), (Alignment("a", 0, 1),), 8, lossless_tokenizer=True)
        html = surprise_part(first).html
        assert "uniform baseline" in html
        assert "<table" not in html

    def test_nothing_becomes_markup(self) -> None:
        assert "<img" not in page().html
        assert "srcdoc=" in SurpriseView(surprise(), "run")._repr_html_()


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_characters_are_coloured_by_their_bits(self, opened: Any, width: int, scheme: str) -> None:
        tab: Tab = opened(page(), width=width, scheme=scheme)
        assert tab.inner_text(".surprise-text") == f"To be↵\n⇥é{EVIL}"
        steps = [piece(tab, i).get_attribute("class") for i in range(5)]
        assert steps == ["warm-4", "warm-0", "dropped", "warm-4", "warm-10"], "bits spread over the characters"
        assert tab.locator(".steps span").all_inner_texts() == [*map(str, range(10)), "10+", "bits per character"]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_signs_of_newlines_are_as_strong_as_the_text(self, opened: Any, scheme: str) -> None:
        tab: Tab = opened(page(), scheme=scheme)
        styles = "([e]) => [e, e.parentElement].map((e) => getComputedStyle(e)).map((s) => [s.color, s.opacity])"
        blank, text = tab.locator(".surprise-text .blank").evaluate_all(styles)
        assert blank == text == [text[0], "1"], "so its contrast is that of the scales, which is AA"

    def test_pointing_shows_probabilities(self, opened: Any) -> None:
        tab: Tab = opened(page())
        piece(tab, 0).hover()
        said = tab.inner_text("#tip").split("\n")
        assert all(fact in said[0] for fact in ("To", "8.2 bits", "0.3 %", "rank 7"))
        assert said[2:] == ["␣so", "50 %", EVIL.replace(" ", "␣"), "25 %"]
        tab.mouse.move(0, 0)
        tab.locator("#tip").wait_for(state="hidden")

    def test_keys_move_and_escape_hides(self, opened: Any) -> None:
        tab: Tab = opened(page())
        piece(tab, 0).focus()
        tab.keyboard.press("ArrowRight")
        said = tab.inner_text("#tip p")
        assert all(fact in said for fact in ("␣be↵", "2.0 bits", "25 %", "top prediction"))
        assert tab.locator("#tip .actual").all_inner_texts() == ["␣be↵"]
        assert piece(tab, 1).get_attribute("aria-describedby") == "tip"
        tab.keyboard.press("ArrowRight")
        assert "no token" in tab.inner_text("#tip")
        tab.keyboard.press("ArrowRight")
        assert tab.locator("#tip p").count() == 2, "both tokens of a character"
        tab.keyboard.press("Escape")
        assert tab.locator("#tip").is_hidden()

    def test_a_tap_tells_and_a_tap_elsewhere_hides(self, opened: Any) -> None:
        tab: Tab = opened(page(), width=360, touch=True)
        piece(tab, 3).tap()
        box = tab.locator("#tip").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        tab.locator("h1").tap()
        assert tab.locator("#tip").is_hidden()

    def test_without_script_the_worst_are_in_a_table(self, opened: Any) -> None:
        tab: Tab = opened(page(), script=False, width=360)
        rows = [row.inner_text().split("\t") for row in tab.locator("tbody tr").all()]
        assert [row[1] for row in rows] == [EVIL.replace(" ", "␣"), "To", "⟨c3⟩", "␣be↵", "⟨a9⟩"]
        assert rows[1] == ["", "To", "8.2", "1 in 290", "7", "␣so 50 %"]
        assert rows[2][0] == "To be↵⇥"
        assert rows[0][3] == "1 in 10^602"
