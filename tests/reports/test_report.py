"""The page of a whole run, opened in a browser; and of runs of which something is missing."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import octavo
from octavo.evaluate.diagnosis.case import Finding
from octavo.formats.files import write_atomically
from octavo.pipeline.run import Run, load
from octavo.reports.collect import read_findings, read_score
from octavo.reports.compare import compare
from octavo.reports.html import Page
from octavo.reports.html.attention import AttentionView
from octavo.reports.report import report, save_report
from octavo.reports.sections import sections
from octavo.reports.verdict import verdict

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

KEYS = [
    *(
        "trained",
        "score",
        "diagnosis",
        "playground",
        "curves",
        "attention",
        "heads",
        "surprise",
        "layers",
        "samples",
        "costs",
    ),
    *("settings", "origin", "again"),
]
WIDGETS = {"curves", "attention", "heads", "surprise", "lens", "model", "write", "read", "change"}


@pytest.fixture(scope="module")
def page(trained: Run) -> Page:
    return report(trained)


def text_of(page: Page, key: str) -> str:
    """A section's text, without scripts and markup."""
    found = re.search(rf'<section id="{key}".*?(?=<section id=|</main>)', page.html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<script.*?</script>", "", found[0], flags=re.DOTALL)).split())


def files(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """What each file holds, and when it was written."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


class TestWhole:
    def test_every_section_is_there_and_linked(self, page: Page) -> None:
        assert re.findall(r'<section id="(\w+)"', page.html) == KEYS
        assert re.findall(r'<a href="#(\w+)"', page.html) == KEYS
        assert set(re.findall(r'<\w+ [^>]*data-widget="(\w+)"', page.html)) == WIDGETS
        assert "cannot be computed" not in page.html

    def test_it_says_what_is_known(self, page: Page, trained: Run) -> None:
        score = trained.evaluation
        assert f"{score.bits_per_character:.3f} bits per character" in page.html
        assert f"{trained.model.n_parameters():,}" in text_of(page, "trained")
        assert f"{score.characters:,} characters, {score.tokens:,} tokens" in text_of(page, "trained")
        assert f"{score.characters:,} characters of the validation split" in page.html
        assert all(b.name in text_of(page, "score") for b in trained.baselines())
        assert "80 steps" in text_of(page, "costs")
        assert "GFLOP/s" in text_of(page, "costs")
        assert "d_model 32 128" in text_of(page, "settings"), "and the preset's"
        assert trained.directory.provenance["text"]["sha256"] in text_of(page, "origin")
        assert "octavo train" in text_of(page, "again")

    def test_the_verdict_is_above_the_sections(self, page: Page, trained: Run) -> None:
        words = verdict(read_score(trained))
        assert f"{trained.evaluation.bits_per_character:.3f} bits" in words
        assert page.html.index(f"<p>{escape(words)}") < page.html.index('<nav class="contents"')

    def test_values_near_the_score_mention_the_score(self, page: Page) -> None:
        for key in ("curves", "heads", "surprise", "layers"):
            assert "the score" in text_of(page, key).lower() or "whose score" in text_of(page, key)
            assert "per token" not in text_of(page, key), "bits per character lead"

    def test_it_is_one_small_file_that_names_no_other(self, page: Page) -> None:
        assert len(page.html.encode()) < 2_000_000
        assert re.findall(r'(?:src|href|action)="(?!#|data:)[^"]*"|url\((?!#)', page.html) == []
        assert "default-src &#39;none&#39;" in page.html

    def test_it_contains_the_model_unless_that_is_not_wanted(self, page: Page, trained: Run) -> None:
        scores = re.search(r"scores (\d\.\d{3}) bits per character; the run scores (\d\.\d{3})", page.html)
        assert scores
        assert float(scores[1]) == pytest.approx(float(scores[2]), abs=0.0021)
        bare = report(trained, model=False).html
        assert re.findall(r'<section id="(\w+)"', bare) == [key for key in KEYS if key != "playground"]
        assert "octavo.engine" not in bare
        assert len(bare) < len(page.html) - trained.model.n_parameters()

    def test_a_model_that_is_too_large_is_left_out_in_a_sentence(
        self, trained: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.reports.html.packed_model._MAX_PAGE_BYTES", {"fp16": 20_000, "int8": 100_000})
        page = report(trained)
        assert "The model is not in this page. The model would make a page of" in text_of(page, "playground")
        assert "octavo.engine" not in page.html

    def test_the_run_is_left_as_it_is(self, copied: Run) -> None:
        before = files(copied.path)
        report(copied)
        assert before == files(copied.path)

    def test_it_is_saved_in_the_run_or_where_one_says(self, copied: Run, tmp_path: Path) -> None:
        assert save_report(copied) == copied.path / "report.html"
        elsewhere = tmp_path / "new" / "page.html"
        heard: list[str] = []
        assert save_report(copied, elsewhere, note=heard.append) == elsewhere
        assert elsewhere.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert len(heard) >= 4

    def test_in_python_it_shows_itself(self, trained: Run) -> None:
        page = octavo.report(trained.name, runs=trained.path.parent)
        assert page.title == "Run play"
        assert "srcdoc=" in page._repr_html_()


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_it_opens_and_everything_moves(self, opened: Any, page: Page, width: int, scheme: str) -> None:
        tab: Tab = opened(page, width=width, scheme=scheme, touch=width == 360)
        assert tab.locator("section[id] > h2").count() == len(KEYS)
        tab.locator(".panel.loss > svg").focus()
        tab.keyboard.press("End")
        assert "step 80" in tab.locator(".read").inner_text()
        tab.locator(".attention-thumb").nth(1).focus()
        tab.locator("#heads th[scope='col']").nth(1).focus()
        tab.locator(".surprise-text .token, .surprise-text span").first.hover()
        tab.get_by_role("button", name=re.compile("theme")).click()
        for summary in tab.locator("summary").all():
            summary.click()
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")

    def test_without_script_all_of_it_can_be_read(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page, script=False)
        for key in KEYS:
            assert len(tab.locator(f"#{key}").inner_text()) > 20, key
        assert tab.locator(".panel.loss path.line").count() == 3

    def test_the_model_in_it_writes_and_reads(self, opened: Any, page: Page, trained: Run) -> None:
        tab: Tab = opened(page)
        tab.locator("[data-octavo=prompt]").fill("ROMEO:")
        tab.locator("[data-octavo=length]").fill("20")
        tab.locator("[data-octavo=generate]").click()
        tab.wait_for_selector("[data-octavo=stop][disabled]")
        assert len(tab.locator("[data-octavo=output]").inner_text()) > len("ROMEO:") + 10
        tab.locator("[data-octavo=read]").fill("What, are you sick?")
        expected = trained.surprise("What, are you sick?").surprise.bits_per_character
        bits = float(tab.locator("[data-octavo=score]").inner_text().split()[0])
        assert bits == pytest.approx(expected, abs=0.004)

    def test_every_picture_has_a_text(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page)
        bare = tab.locator("svg:not([aria-hidden] *):not([aria-hidden]):not([aria-label]):not(svg svg)")
        assert bare.count() == 0
        assert tab.locator("img:not([alt])").count() == 0

    def test_nothing_of_the_text_or_its_name_becomes_markup(self, opened: Any, evil: Run) -> None:
        tab: Tab = opened(report(evil))
        assert tab.locator("img").count() == 0
        assert "<img src=x onerror=alert(1)>" in tab.inner_text("#surprise").replace("␣", " ")
        assert "<img src=x onerror=alert(2)>" in tab.inner_text("#origin")
        assert tab.evaluate("document.scripts.length") == tab.locator("script").count()

    def test_it_prints(self, opened: Any, page: Page, tmp_path: Path) -> None:
        tab: Tab = opened(page, scheme="dark")
        path = tmp_path / "report.pdf"
        tab.pdf(path=path, format="A4")
        assert 4 <= path.read_bytes().count(b"/Type /Page\n") <= 25
        tab.emulate_media(media="print")
        assert tab.locator(".curves .controls").is_hidden()
        assert tab.locator(".theme-button").is_hidden()


def remove(*names: str) -> Callable[[Path], None]:
    def go(path: Path) -> None:
        for name in names:
            place = path / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    return go


def unfinished(path: Path) -> None:
    """As if it were training: no end, no score, no samples."""
    remove("samples.txt", "evaluation.json", "baselines.json", "memorisation.json", "diagnosis.json")(path)
    lines = (path / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (path / "metrics.jsonl").write_bytes(b"".join(line for line in lines if b'"end"' not in line)[:-9])


def damaged(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda path: write_atomically(path / name, content)


class TestParts:
    @pytest.mark.parametrize(
        ("harm", "says"),
        [
            (remove("baselines.json"), {"score": "evaluate the run"}),
            (
                remove("evaluation.json", "samples.txt"),
                {
                    "score": "Play has no score yet: evaluate it.",
                    "samples": "There are no samples yet",
                },
            ),
            (
                remove("checkpoints"),
                {
                    "attention": "has no checkpoint",
                    "playground": "has no checkpoint",
                    "layers": "has no checkpoint",
                    "samples": "Sample 1",
                },
            ),
            (
                remove("metrics.jsonl"),
                {"curves": "There are no curves of play", "costs": "no line of metrics", "heads": "0.0"},
            ),
            (unfinished, {"score": "Play has no score yet", "costs": "unknown", "curves": "Loss"}),
            (damaged("metrics.jsonl", b"{}\n"), {"curves": "line 1 has no event", "attention": "head"}),
            (damaged("metrics.jsonl", b"no JSON\n"), {"curves": "line 1 is not a JSON object"}),
            (damaged("tokenizer.json", b"{"), {"layers": "tokenizer.json", "curves": "Loss"}),
            (damaged("provenance.json", b"[]"), {"origin": "is damaged", "again": "is damaged"}),
            (damaged("provenance.json", b"{}"), {"again": "KeyError", "trained": "KeyError"}),
            (damaged("config.toml", b"["), {"settings": "not valid TOML", "origin": "SHA-256"}),
            (damaged("data/parts.json", b"{}"), {"samples": "does not hold a run's data", "settings": "data"}),
            (damaged("samples.txt", b"\xff"), {"samples": "samples.txt cannot be read"}),
            (damaged("evaluation.json", b"{}"), {"score": "damaged"}),
        ],
    )
    def test_what_cannot_be_made_says_so_and_the_rest_is_there(
        self, copied: Run, harm: Callable[[Path], None], says: dict[str, str]
    ) -> None:
        harm(copied.path)
        page = report(load(copied.path))
        assert re.findall(r'<section id="(\w+)"', page.html) == KEYS
        for key, words in says.items():
            assert words in unescape(text_of(page, key))

    def test_a_run_that_trains_says_how_far_it_is(self, copied: Run) -> None:
        unfinished(copied.path)
        assert "is not finished: it is at step" in report(load(copied.path)).html

    def test_what_was_plain_while_it_trained_is_told(self, copied: Run) -> None:
        unfinished(copied.path)
        finding = asdict(Finding("collapse", "error", "it fell"))
        line = {"event": "finding", "step": 40, "epoch": 1.0, "seconds": 1.0} | finding
        path = copied.path / "metrics.jsonl"
        path.write_bytes(path.read_bytes().rpartition(b"\n")[0] + b"\n" + json.dumps(line).encode() + b"\n")
        assert "it fell" in text_of(report(load(copied.path)), "diagnosis")

    @pytest.mark.parametrize("stale", [b'{"checkpoint": "step-00000001", "findings": []}', b"no JSON", None])
    def test_a_diagnosis_of_other_weights_is_made_anew_and_not_kept(
        self, copied: Run, trained: Run, stale: bytes | None
    ) -> None:
        path = copied.path / "diagnosis.json"
        remove("diagnosis.json")(copied.path) if stale is None else write_atomically(path, stale)
        before = files(copied.path)
        run = load(copied.path)
        found = read_findings(run)
        assert found == trained.diagnose()
        assert found, "so that it is not the stale one"
        assert all(finding.words in unescape(text_of(report(run), "diagnosis")) for finding in found)
        compare([run, trained])
        assert files(copied.path) == before

    def test_without_baselines_there_is_no_diagnosis(self, copied: Run) -> None:
        remove("diagnosis.json", "baselines.json")(copied.path)
        before = files(copied.path)
        assert "evaluate the run" in text_of(report(load(copied.path)), "diagnosis")
        assert files(copied.path) == before


def test_the_attention_of_many_heads_is_of_fewer_tokens(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.reports.sections._MAX_WEIGHTS", 128)
    (section,) = [section for section in sections(trained) if section.key == "attention"]
    (view,) = [block for build in section.builders for block in build() if isinstance(block, AttentionView)]
    assert len(view.attention.passage.ids) == 8
