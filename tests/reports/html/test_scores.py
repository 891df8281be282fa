"""Scores on one scale."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from octavo.evaluate import TrainOverlap
from octavo.evaluate.comparison import NOT_COMPARABLE
from octavo.pipeline.run import Run
from octavo.reports.blocks import Dot, ScoreDots, Table
from octavo.reports.html import HtmlPart, make_page
from octavo.reports.html.scores import scores_part
from octavo.reports.score_table import Score, score_dots

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

NONE = TrainOverlap(64, 4_000, 0)
EVIL = "</script><img src=x onerror=alert(1)>"


def part(run: Run, **changes: Any) -> HtmlPart:
    return scores_part(score_dots(Score(replace(run.evaluation, **changes), run.baselines(), NONE, 1.0)))


def names(html: str) -> list[str]:
    """Of the dots, from the top."""
    return re.findall(r'<th scope="row">(.*?)</th>', html.split("<details>")[0])


class TestWriting:
    def test_every_model_has_a_dot_the_best_below(self, trained: Run) -> None:
        html = part(trained).html
        bits = {"this model": trained.evaluation.bits_per_character}
        bits |= {b.name: b.bits_per_character for b in trained.baselines()}
        assert names(html) == sorted(bits, key=lambda name: -bits[name])
        for value in bits.values():
            assert f">{value:.3f}" in html
            assert f">{value:.4f}<" in html

    def test_a_dot_lies_where_its_score_is(self, trained: Run) -> None:
        places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)%"', part(trained).html)]
        bits = sorted(
            [trained.evaluation.bits_per_character, *(b.bits_per_character for b in trained.baselines())],
            reverse=True,
        )
        for one, other in ((0, 1), (3, -1)):
            share = (places[one] - places[other]) / (places[0] - places[-1])
            assert share == pytest.approx((bits[one] - bits[other]) / (bits[0] - bits[-1]), abs=1e-3)

    def test_the_bar_is_one_standard_error_to_either_side(self) -> None:
        html = scores_part(ScoreDots([Dot("a", 2.0, 0.1, trained=True), Dot("b", 3.0)], Table(("model",), [])))
        ends = re.search(r'class="bar" x1="([\d.]+)%" x2="([\d.]+)%" y1="50%"', html.html)
        dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)%"', html.html)]
        assert ends
        assert float(ends[2]) - float(ends[1]) == pytest.approx(0.2 * (dots[0] - dots[1]), abs=0.05)

    def test_without_a_standard_error_there_is_no_bar(self, trained: Run) -> None:
        html = part(trained, standard_error_bits_per_character=None).html
        assert 'class="bar"' not in html
        assert "There is no standard error" in html

    def test_what_loses_text_is_not_drawn_beside_what_does_not(self, trained: Run) -> None:
        html = part(trained, lossless_tokenizer=False).html
        assert len(names(html)) == 4
        assert not any("xz" in name for name in names(html))
        _, _, below = html.partition(NOT_COMPARABLE)
        assert "xz -9e" in below
        assert "tokenizer is lossy" in html

    def test_alone_it_has_a_scale_too(self, trained: Run) -> None:
        html = scores_part(score_dots(Score(trained.evaluation, [], NONE))).html
        assert re.findall(r'<circle cx="([\d.]+)%"', html) == ["50.0"]

    def test_names_are_text(self) -> None:
        html = scores_part(ScoreDots([Dot(EVIL, 2.0)], Table(("model", EVIL), [[EVIL, EVIL]]), [EVIL])).html
        assert "<img" not in html
        assert html.count("&lt;img") == 5


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_it_fits_the_window(opened: Any, trained: Run, width: int, scheme: str) -> None:
    tab: Tab = opened(make_page("Scores", [part(trained)]), width=width, scheme=scheme)
    plot = tab.locator("tbody .plot").first.bounding_box()
    assert plot
    assert plot["width"] >= 110
    for dot in tab.locator("circle").all():
        box = dot.bounding_box()
        assert box
        assert plot["x"] <= box["x"] <= plot["x"] + plot["width"]
