"""Curves as they show themselves, and as `octavo curves` writes them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.reports.html import Page
from octavo.reports.series import LABELS

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab


@pytest.fixture(scope="module")
def written(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """``curves.html``, from the disk."""
    *_, path = trained.curves().save(tmp_path_factory.mktemp("curves") / "curves")
    assert path.name == "curves.html"
    return Page("", path.read_text(encoding="utf-8"))


def test_curves_show_themselves(trained: Run) -> None:
    shown = trained.curves()
    assert shown._repr_html_().startswith("<iframe")
    assert set(shown.figures()) == {"steps", "epochs", "seconds"}


def test_figures_and_page_have_the_same_lines(trained: Run) -> None:
    shown = trained.curves()
    names = [LABELS[kind] for kind in ("train", "train-split", "validation")]
    for figure in shown.figures().values():
        bits, *_ = figure.axes
        assert bits.get_ylabel() == "bits per character", "they lead"
        assert [text.get_text() for text in bits.get_legend().get_texts()] == names
        assert [line.get_label() for line in bits.get_lines()] == names
    assert all(f"</svg> {name}</li>" in shown.page.html for name in names)


def test_they_are_written_as_pictures_and_as_a_page(trained: Run, tmp_path: Path) -> None:
    paths = trained.curves().save(tmp_path / "curves")
    assert {path.name for path in paths} == {path.name for path in (tmp_path / "curves").iterdir()}
    assert {path.suffix for path in paths} == {".png", ".svg", ".html"}


def test_page_and_pictures_say_that_bpe_dropout_ends(trained: Run, tmp_path: Path) -> None:
    shown = trained.curves()
    assert trained.config.tokenizer.dropout > 0
    assert "BPE-dropout" in shown.curve.note
    assert shown.curve.note in shown.page.html
    for figure in shown.figures().values():
        assert " ".join(figure.get_supxlabel().split()) == shown.curve.note


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_the_page_that_is_written_opens(opened: Any, written: Page, width: int, scheme: str) -> None:
    tab: Tab = opened(written, width=width, scheme=scheme)
    chart = tab.locator(".panel.loss > svg")
    box = chart.bounding_box()
    assert box
    chart.hover(position={"x": 0.6 * box["width"], "y": 100})
    pointed = tab.locator(".read").inner_text()
    assert re.match(r"step \d+, epoch [\d.]+, [\d.]+ s, [\d,]+ tokens\n", pointed)
    assert LABELS["train"] in pointed
    chart.focus()
    tab.keyboard.press("End")
    assert tab.locator(".read").inner_text().startswith("step 80,")
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".read").inner_text().startswith("step 75,")
    tab.locator("summary").click()
    assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_without_a_line_of_metrics_there_are_none(copied: Run) -> None:
    (copied.path / "metrics.jsonl").write_text("")
    with pytest.raises(OctavoError, match="there are no curves of"):
        copied.curves()


def test_elsewhere_they_are_one_line(trained: Run) -> None:
    assert repr(trained.curves()) == f"<CurvesView: Training curves of {trained.name}>"
