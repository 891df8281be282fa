"""A page in which a run's model writes."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from octavo.bench.generator import make_text_generator
from octavo.config import load_preset
from octavo.interpret.tokens import token_labels, visible_label
from octavo.pipeline.run import Run, load
from octavo.reports.html import Page
from octavo.reports.playground import measured_page, playground, save_playground

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


def drawn(tab: "Tab") -> None:
    """Wait until views that follow in the next frame have done so."""
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")


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
        assert (
            tab.locator(".without-script").evaluate_all("all => all.map((one) => one.checkVisibility())")
            == [True] * 3
        )
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
        part(tab, "generate").evaluate("""(generate) => {
          generate.click();
          document.querySelector("[data-octavo=stop]").click();
        }""")
        count = tokens(tab).count()
        assert 0 < count < 10_000
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


class TestRead:
    def score(self, tab: "Tab") -> list[float]:
        """Return bits per character, bits, characters and tokens."""
        return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", part(tab, "score").inner_text())]

    @pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
    def test_the_surprisal_is_that_of_python(
        self, page: Page, opened: Any, trained: Run, width: int, scheme: str
    ) -> None:
        tab: Tab = opened(page, width=width, scheme=scheme)
        text = "What, are you sick?\nI 🦜 know"
        expected = trained.surprise(text).surprise
        assert 10 < len(expected.tokens) < trained.config.data.context_length
        part(tab, "read").fill(text)
        bits, total, characters, count = self.score(tab)[:4]
        assert (characters, count) == (len(text), len(expected.tokens))
        assert bits == pytest.approx(expected.bits_per_character, abs=0.004)  # the run's own weights are not rounded
        assert total == pytest.approx(expected.total_bits, abs=0.2)
        pieces = tab.locator("[data-octavo=read-output] > span")
        assert pieces.all_text_contents() == [one.text for one in expected.alignments]
        steps = [round(expected.bits_per_character_of(one)) for one in expected.alignments]
        found = [int(str(one.get_attribute("class")).removeprefix("warm-")) for one in pieces.all()]
        assert sum(one != min(10, step) for one, step in zip(found, steps, strict=True)) <= 1  # rounding
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")

    def test_each_keystroke_is_followed_and_the_next_token_is_shown(
        self, page: Page, opened: Any, trained: Run
    ) -> None:
        tab: Tab = opened(page)
        part(tab, "read").fill("")
        assert part(tab, "score").inner_text() == "Type or paste a text."
        assert part(tab, "next").locator(".token").count() == 10
        part(tab, "read").press_sequentially("First Cit")
        before = self.score(tab)
        part(tab, "read").press("i")
        assert self.score(tab)[2] == before[2] + 1
        ids = [0, *trained.tokenizer.encode("First Citi").tolist()]
        best = tab.evaluate("ids => octavo.engine.sampling.argmax(octavo.model.logits(ids).at(-1))", ids)
        label = visible_label(token_labels(trained.tokenizer, [best])[0])
        assert part(tab, "next").locator(".token").first.inner_text() == label
        part(tab, "read-output").locator("span").nth(1).focus()
        assert "bits" in tab.inner_text("#tip")
        tab.keyboard.press("ArrowLeft")
        assert (
            tab.evaluate("document.activeElement.textContent")
            == part(tab, "read-output").locator("span").first.inner_text()
        )

    def test_a_text_longer_than_the_context_says_how_much_is_read(
        self, page: Page, opened: Any, trained: Run
    ) -> None:
        tab: Tab = opened(page)
        part(tab, "read").fill("First Citizen: " * 40)
        context = trained.config.data.context_length
        assert self.score(tab)[3:] == [context, context]  # tokens, and the note on the first ones
        beginning = trained.tokenizer.decode(trained.tokenizer.encode("First Citizen: " * 40)[:context])
        assert part(tab, "read-output").evaluate("output => output.textContent") == beginning

    def test_a_model_that_does_not_use_its_text_is_said_to(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        part(tab, "read").fill("What, are you sick?")
        assert not part(tab, "same").is_visible()
        config = load_preset("pocket")
        small = replace(config, model=replace(config.model, d_model=16, d_ff=16, n_heads=2, n_layers=1))
        constant = make_text_generator(small.model)  # predicts frequencies, whatever it reads
        tab = opened(measured_page(constant.model, constant.tokenizer, small))
        part(tab, "read").fill("What, are you sick?")
        assert part(tab, "same").is_visible()
        part(tab, "read").fill("")
        assert not part(tab, "same").is_visible()

    def test_attention_and_lens_follow_the_text(self, page: Page, opened: Any, trained: Run) -> None:
        tab: Tab = opened(page)
        part(tab, "read").fill("What, are you si")
        part(tab, "read").press_sequentially("ck?")
        part(tab, "read").evaluate("read => read.setSelectionRange(0, 1)")
        part(tab, "read").press("T")  # an edit at the beginning
        text = "That, are you sick?"
        lens, attention = trained.lens(text).lens, trained.attention(text).attention
        n_layers, n_heads = attention.patterns.shape[:2]
        count = len(attention.passage.ids)
        cells = tab.locator("[data-octavo=lens] tbody .lens-cell")
        drawn(tab)
        found = [cell.locator("bdi").inner_text() for cell in cells.all()]
        top = [visible_label(layer.cells[at].predictions[0].label) for at in range(count) for layer in lens.layers]
        assert sum(one != other for one, other in zip(found, top, strict=True)) <= 1  # rounded weights
        ticks = [position for position, cell in enumerate(cells.all()) if "✓" in cell.inner_text()]
        right = [layer.cells[at].rank == 1 for at in range(count) for layer in lens.layers]
        assert len(set(ticks) ^ {position for position, one in enumerate(right) if one}) <= 1
        weights = tab.evaluate(
            """([ids, layers, heads]) => {
              const inspector = octavo.model.inspect(ids);
              const range = (n) => [...Array(n).keys()];
              return range(layers).map((l) => range(heads).map((h) => ids.map((_, q) => ids.map((_, k) =>
                inspector.weight(l, h, q, k)))));
            }""",
            [list(map(int, attention.passage.ids)), n_layers, n_heads],
        )
        assert np.array(weights) == pytest.approx(attention.patterns, abs=0.003)
        view = part(tab, "attention")
        assert view.locator(".attention-thumb").count() == n_layers * n_heads
        view.locator(".attention-thumb").nth(n_heads - 1).click()
        strongest = int(attention.patterns[0, n_heads - 1, -1].argmax())
        first = view.locator(".attention-values li").first
        assert first.locator(".token").inner_text() == visible_label(attention.passage.labels[strongest])
        part(tab, "read").press("End")
        part(tab, "read").press("!")  # the chosen head stays
        drawn(tab)
        assert view.locator(".attention-thumb").nth(n_heads - 1).get_attribute("aria-pressed") == "true"

    def test_markup_is_text(self, page: Page, opened: Any) -> None:
        tab: Tab = opened(page)
        part(tab, "read").fill(EVIL)
        assert part(tab, "read-output").evaluate("output => output.textContent") == EVIL
        tab.locator("[data-octavo=read-output] > span").first.focus()
        assert tab.locator("img").count() == 0
