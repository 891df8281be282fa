"""The part of the playground in which heads and feed-forward layers are switched off."""

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from octavo.pipeline.run import Run
from octavo.reports.html import Page
from octavo.reports.playground import playground

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page(trained: Run) -> Page:
    return playground(trained)


def wait_until(tab: "Tab", condition: Callable[[], bool]) -> None:
    """Wait until something is the case; Playwright's own function for that needs eval, which the page forbids."""
    for _ in range(200):
        if condition():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("it did not come about within ten seconds")


def part(tab: "Tab", name: str) -> "Locator":
    return tab.locator(f"[data-octavo={name}]")


class TestChange:
    TEXT = "What, are you sick?\nI know"

    def bits(self, tab: "Tab", name: str) -> float:
        return float(part(tab, f"{name}-bits").inner_text().split()[0])

    def written(self, tab: "Tab", name: str) -> str:
        return str(part(tab, f"{name}-text").evaluate("text => text.textContent"))

    def is_written(self, tab: "Tab", name: str, expected: str) -> bool:
        return self.written(tab, name) == expected

    @pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
    def test_the_effect_of_a_part_that_is_off_is_that_of_python(
        self, page: Page, opened: Any, trained: Run, width: int, scheme: str
    ) -> None:
        tab: Tab = opened(page, width=width, scheme=scheme)
        part(tab, "change-text").fill(self.TEXT)
        n_layers, n_heads = trained.config.model.n_layers, trained.config.model.n_heads
        assert tab.locator("[data-octavo^=head-]").count() == n_layers * n_heads
        own = trained.surprise(self.TEXT).surprise.bits_per_character
        for name in ("unchanged", "changed"):
            assert self.bits(tab, name) == pytest.approx(own, abs=0.004)
        for name, target in (("head-0-1", "attention.head.1"), ("feedforward-0", "feedforward.output")):
            part(tab, name).click()
            for kind in ("zero", "mean"):
                part(tab, kind).click()
                sites = {"zero": (), "mean": ()} | {kind: (f"blocks.0.{target}",)}
                edit = trained.edit(self.TEXT, zero=sites["zero"], mean=sites["mean"]).edit
                changed, unchanged = self.bits(tab, "changed"), self.bits(tab, "unchanged")
                assert changed - unchanged == pytest.approx(edit.cost, abs=0.004)
                assert unchanged == pytest.approx(own, abs=0.004)
                said = part(tab, "change-status").inner_text()
                cost = re.search(r"needs (\d\.\d{3}) bits per character (more|less)", said)
                assert cost
                assert float(cost[1]) * (1 if cost[2] == "more" else -1) == pytest.approx(
                    changed - unchanged, abs=0.002
                )
            part(tab, "all-on").click()
            assert self.bits(tab, "changed") == self.bits(tab, "unchanged")
            assert part(tab, "all-on").is_disabled()
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")

    def test_the_first_results_are_there_when_it_is_seen(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        assert part(tab, "change-status").inner_text() == ""
        part(tab, "change-text").scroll_into_view_if_needed()
        wait_until(tab, lambda: part(tab, "change-status").inner_text() != "")
        assert self.bits(tab, "changed") == self.bits(tab, "unchanged") > 0

    def test_the_changed_model_predicts_and_writes_beside_the_unchanged_one(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        part(tab, "change-text").fill(self.TEXT)
        part(tab, "feedforward-0").focus()
        tab.keyboard.press("Enter")
        ablate = {"zero": ["blocks.0.feedforward.output"]}
        for name, changes in (("unchanged", {}), ("changed", ablate)):
            ids, expected = tab.evaluate(
                """([text, ablate]) => {
                  const { ids, read } = octavo.reading(text);
                  const { labels, generate, logits } = octavo.model;
                  const { likeliest } = octavo.tokenFacts(logits(read, { ablate }).at(-1), 0);
                  const { text: written } = generate({ ids, ablate, temperature: 0, max_new_tokens: 40 });
                  return [likeliest.map((one) => labels[one.id]), written];
                }""",
                [self.TEXT, changes],
            )
            assert part(tab, f"{name}-next").locator(".token").all_inner_texts() == ids
            wait_until(tab, partial(self.is_written, tab, name, expected))
        assert self.written(tab, "changed") != self.written(tab, "unchanged")

    def test_markup_is_text(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        part(tab, "change-text").fill(EVIL)
        part(tab, "head-0-0").click()
        assert tab.locator("img").count() == 0
        part(tab, "change-text").fill("")
        assert part(tab, "change-status").inner_text() == "Type or paste a text."
