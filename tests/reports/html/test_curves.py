"""The curves: drawn without script, and with it to zoom, to smooth, to switch and to read values off."""

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from octavo.pipeline.run import Run
from octavo.reports.html import Page, make_page
from octavo.reports.html.axis import number
from octavo.reports.html.curves import curves_part
from octavo.reports.series import LABELS, TrainingCurve

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)>"
LOSS = ".panel.loss > svg"
LEFT_OF_TEXT = """button => {
  const range = document.createRange();
  range.setStartAfter(button.querySelector("svg"));
  range.setEnd(button, button.childNodes.length);
  return Math.min(...[...range.getClientRects()].filter((box) => box.width).map((box) => box.left));
}"""


def curve(run: Run, name: str = "play") -> TrainingCurve:
    facts = run.splits["train"].facts
    return TrainingCurve(name, run.metrics, facts.tokens / facts.characters)


def longer(run: Run, name: str) -> TrainingCurve:
    """The same run, as if each step had been three, and its losses a tenth higher."""
    metrics = [record | {"step": 3 * record["step"], "loss": 1.1 * record.get("loss", 0)} for record in run.metrics]
    return TrainingCurve(name, metrics)


@pytest.fixture
def page(trained: Run) -> Page:
    return make_page("Curves", [curves_part([curve(trained)])])


@pytest.fixture
def pages(trained: Run) -> Page:
    return make_page("Curves", [curves_part([curve(trained), longer(trained, EVIL)])])


def ticks(tab: "Tab", of: str = "across", panel: str = LOSS) -> list[float]:
    """The values written beside an axis."""
    return [float(text.replace(",", "")) for text in tab.locator(f"{panel} .{of}").all_text_contents()]


def line(tab: "Tab", panel: str = LOSS) -> list[str]:
    return [path.get_attribute("d") or "" for path in tab.locator(f"{panel} path.line").all()]


class TestWriting:
    def test_every_figure_stands_in_the_table(self, trained: Run, page: Page) -> None:
        rows = re.findall(r'<th scope="row">(\S+)</th>(.*?)</tr>', page.html)
        validations = [record for record in trained.metrics if record["event"] == "validation"]
        assert [row[0] for row in rows] == [number(look["step"]) for look in validations]
        facts = trained.splits["train"].facts
        train_bits = validations[-1]["train_loss"] * facts.tokens / facts.characters / math.log(2)
        assert f">{number(validations[-1]['nats_per_character'] / math.log(2))}<" in rows[-1][1]
        assert f">{number(train_bits)}<" in rows[-1][1]
        assert "losses in bits per character" in page.html

    def test_where_it_is_not_known_how_long_tokens_are_figures_are_per_token(self, trained: Run) -> None:
        html = curves_part([TrainingCurve("play", trained.metrics)]).html
        validations = [record for record in trained.metrics if record["event"] == "validation"]
        assert "losses in nats per token" in html
        assert f">{number(validations[-1]['loss'])}<" in html

    def test_each_picture_is_told_in_words(self, page: Page) -> None:
        words = re.findall(r'role="img" aria-label="([^"]*)"', page.html)
        assert len(words) == 5
        assert words[0].startswith("Loss, bits per character")
        assert all(label in words[0] for label in (LABELS["train"], LABELS["train-split"], LABELS["validation"]))

    def test_a_name_is_text(self, pages: Page) -> None:
        assert "<img" not in pages.html
        assert "</script><img" not in pages.html

    def test_of_several_runs_the_validation_loss_alone_is_drawn_at_first(self, pages: Page) -> None:
        assert 'data-kind="train" class="off"' in pages.html
        assert 'data-kind="train-split" class="off"' in pages.html
        assert 'data-kind="validation">' in pages.html

    def test_a_run_without_validation_has_its_lines(self, trained: Run) -> None:
        steps = [record for record in trained.metrics if record["event"] == "step"]
        html = curves_part([TrainingCurve("blind", steps), TrainingCurve("blind too", steps)]).html
        assert "off" not in re.findall(r'data-kind="train"[^>]*', html)[0]

    def test_the_initial_fall_does_not_press_the_rest_flat_but_spikes_stay(self, trained: Run) -> None:
        (step, *_) = [record for record in trained.metrics if record["event"] == "step"]
        losses = [9.0] * 4 + [3.0] * 50 + [6.0] + [2.9] * 45
        lines = [
            step | {"step": i, "nats_per_character": loss * 0.6931471805599453} for i, loss in enumerate(losses, 1)
        ]
        html = curves_part([TrainingCurve("a", lines)]).html
        ticks = [float(text) for text in re.findall(r'class="up"[^>]*>([\d.]+)<', html.split('data-panel="rate"')[0])]
        assert (min(ticks), max(ticks)) == (3, 6)

    def test_the_caption_says_until_when_bpe_dropout_is_used(self, trained: Run) -> None:
        plain = TrainingCurve("plain", trained.metrics)
        cut, whole = replace(plain, bpe_dropout_until=0.85), replace(plain, bpe_dropout_until=1.0)
        html = curves_part([cut]).html
        assert cut.note in html
        assert "85 %" in cut.note
        assert whole.note in curves_part([whole]).html
        assert "BPE-dropout" not in curves_part([plain]).html
        assert curves_part([cut, cut]).html.count("BPE-dropout, which") == 1
        assert "<figcaption>Run 2: " in curves_part([plain, cut]).html

    def test_a_run_that_has_not_begun(self) -> None:
        part = curves_part([TrainingCurve("new", [])])
        assert "<svg viewBox" not in part.html

    def test_a_long_run_says_how_it_is_thinned(self, trained: Run) -> None:
        (step, *_) = [record for record in trained.metrics if record["event"] == "step"]
        lines = [step | {"step": i, "loss": 3 + 0.1 * (i % 7)} for i in range(1, 4001)]
        part = curves_part([TrainingCurve("long", lines)])
        assert "up to 10 lines of metrics" in part.html
        assert len(part.html) < 150_000
        data = re.search(r'<script type="application/json">(.*?)</script>', part.html)
        assert data
        (loss,) = [one for one in json.loads(data[1])["series"] if one["panel"] == "loss"]
        mean, low, high = loss["values"]["nats per token"]
        assert (min(low), max(high), len(mean)) == (3, 3.6, 400)


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_it_fits_the_window(self, opened: Any, pages: Page, width: int, scheme: str) -> None:
        tab: Tab = opened(pages, width=width, scheme=scheme)
        assert tab.locator(".panel > svg").count() == 5
        box = tab.locator(LOSS).bounding_box()
        assert box
        assert box["width"] > 0.7 * width
        text = tab.locator(f"{LOSS} .across").first.bounding_box()
        assert text
        assert text["height"] > 9, "it can be read"

    def test_without_script_there_is_the_same_picture(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page, script=False)
        assert tab.locator(f"{LOSS} path.line").count() == 3
        assert tab.locator(f"{LOSS} .mark").count() == 8
        assert tab.locator(".controls").count() == 0

    def test_dragging_shows_a_stretch_and_a_double_click_all(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page)
        whole, before = ticks(tab), line(tab)
        box = tab.locator(LOSS).bounding_box()
        assert box
        start = box["x"] + 58
        width = box["width"] - 58 - 18
        y = box["y"] + 150
        tab.mouse.move(start + 0.5 * width, y)
        tab.mouse.down()
        tab.mouse.move(start + 0.75 * width, y, steps=3)
        assert float(tab.locator(f"{LOSS} .chosen").get_attribute("width") or 0) == pytest.approx(0.25 * width, abs=2)
        tab.mouse.up()
        assert min(ticks(tab)) >= 40
        assert max(ticks(tab)) <= 60
        assert min(ticks(tab, panel=".panel.speed > svg")) >= 40, "all panels show the same stretch"
        tab.locator(LOSS).dblclick()
        assert (ticks(tab), line(tab)) == (whole, before)

    def test_a_chart_with_keys_is_no_picture_to_a_screen_reader(self, opened: Any, page: Page) -> None:
        chart = opened(page).get_by_role("application").first
        assert chart.get_attribute("aria-roledescription") == "interactive chart"
        assert "Left and right read values" in str(chart.get_attribute("aria-label"))

    def test_keys_read_zoom_and_go_back(self, opened: Any, page: Page, trained: Run) -> None:
        tab: Tab = opened(page)
        tab.locator(LOSS).focus()
        tab.keyboard.press("End")
        steps = [record for record in trained.metrics if record["event"] == "step"]
        said = tab.locator(".read").inner_text()
        assert "step 80," in said
        look = next(record for record in reversed(trained.metrics) if record["event"] == "validation")
        assert number(look["nats_per_character"] / 0.6931471805599453) in said
        assert tab.locator(".panel.rate .values").inner_text().strip() == number(
            float(f"{steps[-1]['learning_rate']:.6g}")
        )
        tab.keyboard.press("ArrowLeft")
        assert "step 75," in tab.locator(".read").inner_text()
        tab.locator(".curves > .unseen", has_text="step 75").wait_for(state="attached")
        tab.keyboard.press("+")
        assert min(ticks(tab)) >= 35
        tab.keyboard.press("0")
        assert min(ticks(tab)) == 0
        tab.keyboard.press("Escape")
        assert tab.locator(".read").is_hidden()

    def test_the_pointer_reads_values(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page)
        tab.hover(LOSS, position={"x": 400, "y": 100})
        assert re.match(r"step \d+, epoch [\d.]+, [\d.]+ s, [\d,]+ tokens", tab.locator(".read").inner_text())
        tab.mouse.move(0, 0)
        assert tab.locator(".read").is_hidden()

    def test_two_fingers_zoom_and_one_reads(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page, width=360, touch=True)
        tab.locator(LOSS).scroll_into_view_if_needed()
        box = tab.locator(LOSS).bounding_box()
        assert box
        tab.touchscreen.tap(box["x"] + 200, box["y"] + 150)
        assert "step " in tab.locator(".read").inner_text()
        session = tab.context.new_cdp_session(tab)
        for kind, places in (("touchStart", (150, 250)), ("touchMove", (110, 290)), ("touchEnd", ())):
            fingers = [{"x": box["x"] + x, "y": box["y"] + 100, "id": i} for i, x in enumerate(places)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
        assert min(ticks(tab)) > 0
        assert max(ticks(tab)) < 80
        assert tab.get_by_role("button", name="Zoom out").is_enabled()

    def test_the_axes_change(self, opened: Any, page: Page, trained: Run) -> None:
        tab: Tab = opened(page)
        tab.get_by_role("button", name="Tokens", exact=True).click()
        assert max(ticks(tab)) == pytest.approx(80 * 16 * 32, rel=0.3)
        assert tab.locator(f"{LOSS} .name").text_content() == "tokens read"
        tab.get_by_role("button", name="Epochs").click()
        assert max(ticks(tab)) <= trained.metrics[-1]["epoch"]
        tab.get_by_role("button", name="Seconds").click()
        assert max(ticks(tab)) <= trained.metrics[-1]["seconds"]
        tab.get_by_role("button", name="Steps").click()
        tab.get_by_role("button", name="Log x").click()
        assert min(ticks(tab)) == 5
        assert tab.get_by_role("button", name="Show all").is_disabled()
        before = line(tab)
        tab.get_by_role("button", name="Log y").click()
        assert line(tab) != before
        tab.get_by_label("Unit of the loss").select_option("nats per token")
        assert max(ticks(tab, "up")) > 4

    def test_smoothing_says_how_much(self, opened: Any, page: Page) -> None:
        tab: Tab = opened(page)
        slider = tab.get_by_label("Smoothing")
        before = line(tab)[0]
        slider.focus()
        tab.keyboard.press("End")
        assert "mean of 9 points, 45 steps" in tab.locator(".controls output").inner_text()
        assert line(tab)[0] != before
        tab.keyboard.press("Home")
        assert tab.locator(".controls output").inner_text() == "none"
        assert line(tab)[0] == (tab.locator(f"{LOSS} path.raw").get_attribute("d")), "the line is what was measured"

    def test_a_long_name_in_the_legend_stands_beside_its_line(self, opened: Any, trained: Run) -> None:
        courses = [curve(trained, f"a-run-with-a-rather-long-name and more {n}" * 2) for n in range(2)]
        tab: Tab = opened(make_page("Curves", [curves_part(courses)]), width=360)
        for press in tab.locator(".legend button").all():
            line, name = press.locator("svg").bounding_box(), press.evaluate(LEFT_OF_TEXT)
            assert line
            assert name >= line["x"] + line["width"], "no line of it is below the swatch"

    def test_the_legend_switches(self, opened: Any, pages: Page) -> None:
        tab: Tab = opened(pages)
        assert tab.locator(f"{LOSS} path.line").count() == 2
        tab.get_by_role("button", name=LABELS["train"]).click()
        assert tab.locator(f"{LOSS} path.line").count() == 4
        assert tab.locator(f"{LOSS} .label").all_text_contents() == ["1", "2"]
        shown = max(ticks(tab))
        tab.get_by_role("button", name=EVIL).click()
        assert tab.locator(f"{LOSS} path.line").count() == 2
        assert max(ticks(tab)) < shown, "the axis is of what is seen"
        assert tab.get_by_role("button", name=EVIL).get_attribute("aria-pressed") == "false"


def test_no_two_of_many_runs_look_alike(trained: Run) -> None:
    html = curves_part([TrainingCurve(str(n), trained.metrics) for n in range(16)]).html
    data = re.search(r'<script type="application/json">(.*?)</script>', html)
    assert data
    looks = json.loads(data[1])["kinds"]["validation"]["classes"]
    assert len(set(looks)) == 16
    assert "dotted" not in " ".join(looks[:8])


def test_numbers_at_the_lines_ends_stand_apart(trained: Run) -> None:
    courses = [TrainingCurve(str(n), trained.metrics) for n in range(4)]
    html = curves_part(courses).html.split('data-panel="rate"')[0]
    places = [float(y) for y in re.findall(r'class="label" x="[\d.]+" y="(-?[\d.]+)"', html)]
    assert len(places) == 4
    assert all(one - other == pytest.approx(13) for one, other in pairwise(places))
    shorter = [TrainingCurve("a", trained.metrics), TrainingCurve("b", trained.metrics[: len(trained.metrics) // 2])]
    apart = re.findall(r'class="label" x="([\d.]+)"', curves_part(shorter).html.split('data-panel="rate"')[0])
    assert float(apart[0]) != float(apart[1]), "each at its own end"


def test_one_line_of_metrics_is_marked(trained: Run) -> None:
    (first, *_) = [record for record in trained.metrics if record["event"] == "step"]
    html = curves_part([TrainingCurve("play", [first])]).html
    assert html.count('<circle class="mark c0"') == len(["loss", "gradient", "speed"])
