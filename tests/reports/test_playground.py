"""A page in which a run's model writes."""

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from octavo.pipeline.run import Run, load
from octavo.reports.html import Page
from octavo.reports.playground import playground, save_playground

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page(trained: Run) -> Page:
    return playground(trained)


def part(tab: "Tab", name: str) -> "Locator":
    return tab.locator(f"[data-octavo={name}]")


def tokens(tab: "Tab") -> "Locator":
    return tab.locator("[data-octavo=output] > [role=button]")


def text(tab: "Tab") -> str:
    return str(part(tab, "output").evaluate("output => output.textContent"))


def generate(tab: "Tab", **settings: str | float) -> str:
    """Press the button after filling in settings; return prompt and text when it is complete."""
    for name, value in settings.items():
        part(tab, name.replace("_", "-")).fill(str(value))
    part(tab, "generate").click()
    finished(tab)
    return text(tab)


def finished(tab: "Tab") -> None:
    tab.wait_for_selector("[data-octavo=stop][disabled]")


class TestPage:
    def test_it_says_what_rounding_costs(self, page: Page, trained: Run) -> None:
        scores = re.search(r"scores (\d\.\d{3}) bits per character; the run scores (\d\.\d{3})", page.html)
        assert scores
        copy, own = map(float, scores.groups())
        assert own == pytest.approx(trained.evaluation.bits_per_character, abs=0.0006)
        assert copy == pytest.approx(own, abs=0.0021)

    def test_a_run_without_its_text_writes_too(self, copied: Run, tmp_path: Path, opened: Any) -> None:
        with zipfile.ZipFile(copied.share(tmp_path / "shared.zip").path) as archive:
            archive.extractall(tmp_path / "elsewhere")
        page = playground(load(tmp_path / "elsewhere" / copied.name))
        assert "without its text" in page.html
        tab: Tab = opened(page)
        assert len(generate(tab, length=20)) > 10

    def test_without_script_it_says_what_is_missing(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page, script=False)
        assert tab.is_visible(".without-script")
        assert not part(tab, "generate").is_visible()


class TestWrite:
    @pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
    def test_the_text_is_that_of_the_model(self, page: Page, opened: Any, width: int, scheme: str) -> None:
        tab: Tab = opened(page, width=width, scheme=scheme)
        found = generate(tab, prompt="ROMEO:", temperature=0.7, top_k=30, top_p=0.9, min_p=0.01, seed=3, length=60)
        options = {"temperature": 0.7, "top_k": 30, "top_p": 0.9, "min_p": 0.01, "seed": 3, "max_new_tokens": 60}
        expected = tab.evaluate("options => octavo.model.generate(options)", options | {"prompt": "ROMEO:"})
        assert found == "ROMEO:" + expected["text"]
        assert re.match(rf"{len(expected['ids'])} tokens, [\d,]+ tokens/s", part(tab, "status").inner_text())
        assert generate(tab, seed=4) != found
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")

    def test_a_token_has_its_probability_and_the_likeliest_ones(self, page: Page, opened: Any, trained: Run) -> None:
        tab: Tab = opened(page)
        generate(tab, prompt="First Citizen:\n", length=12, temperature=0)
        ids = [0, *trained.tokenizer.encode("First Citizen:\n").tolist()]
        logits = tab.evaluate("ids => [...octavo.model.logits(ids).at(-1)]", ids)
        probs = np.sort(np.exp(logits) / np.exp(logits).sum())[::-1]
        tokens(tab).nth(0).hover()
        assert "the top prediction" in tab.inner_text("#tip p")
        shares = tab.locator("#tip .predictions .share").all_inner_texts()
        assert [float(share.removesuffix(" %")) for share in shares] == pytest.approx(100 * probs[:10], abs=0.51)

    def test_another_token_branches_the_text_and_all_branches_are_kept(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        first = generate(tab, prompt="ROMEO:", length=30)
        beginning = "ROMEO:" + "".join(tokens(tab).nth(i).inner_text() for i in range(4))
        tokens(tab).nth(4).focus()
        tab.keyboard.press("Enter")  # from here on by the keyboard alone
        choices = part(tab, "choices").locator("button")
        assert choices.count() == 10
        other = choices.locator("xpath=self::*[@aria-pressed='false']").first
        other.focus()
        tab.keyboard.press("Enter")
        finished(tab)
        second = text(tab)
        assert second != first
        assert second.startswith(beginning.rstrip())
        assert tokens(tab).nth(4).get_attribute("data-branch") == "2/2"
        assert tokens(tab).nth(4).evaluate("token => token === document.activeElement")
        tab.keyboard.press("ArrowUp")
        assert text(tab) == first
        tab.keyboard.press("ArrowDown")
        assert text(tab) == second
        for name, expected in (("undo", first), ("undo", second), ("undo", first), ("redo", second)):
            part(tab, name).click()
            assert text(tab) == expected, name

    def test_settings_that_are_wrong_are_said_and_change_nothing(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        before = generate(tab, length=10)
        for name, value in (("temperature", "200"), ("top-p", ""), ("length", "0"), ("min-p", "2")):
            old = part(tab, name).input_value()
            part(tab, name).fill(value)
            part(tab, "generate").click()
            assert "is out of range" in part(tab, "status").inner_text()
            assert text(tab) == before
            part(tab, name).fill(old)

    def test_it_stops_when_it_is_told(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        part(tab, "length").fill("10000")
        part(tab, "generate").click()
        part(tab, "stop").click()
        count = tokens(tab).count()
        assert 0 < count < 9000
        tab.wait_for_timeout(100)
        assert tokens(tab).count() == count
        assert generate(tab, length=5)

    def test_colours_are_those_of_surprisal(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        generate(tab, length=20)
        assert not tab.is_visible("[data-octavo=legend]")
        part(tab, "colour").click()
        assert tab.is_visible("[data-octavo=legend]")
        steps = [str(one.get_attribute("class")) for one in tokens(tab).all()]
        assert all(re.search(r"warm-\d", step) for step in steps)
        assert len(set(steps)) > 2

    def test_markup_in_prompts_texts_and_labels_is_text(self, evil: Run, opened: Any) -> None:
        tab: Tab = opened(playground(evil))
        found = generate(tab, prompt=EVIL + "\n", length=40)
        assert found.startswith(EVIL)
        tokens(tab).nth(0).click()
        assert tab.locator("img").count() == 0

    def test_a_character_of_several_tokens_is_one_button(self, strange: Run, opened: Any, tmp_path: Path) -> None:
        path = save_playground(strange, tmp_path / "page.html")
        assert path == tmp_path / "page.html"
        tab: Tab = opened(playground(strange))
        found = generate(tab, prompt="h", length=60, temperature=0.3)
        assert "é" in found or "😀" in found or "日" in found
        assert "".join(tokens(tab).all_text_contents()) == found.removeprefix("h")
