from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.run import Run


def test_curves_show_themselves(trained: Run) -> None:
    shown = trained.curves()
    assert shown._repr_html_().startswith("<iframe")
    assert set(shown.figures()) == {"steps", "epochs", "seconds"}


def test_they_are_written_as_pictures_and_as_a_page(trained: Run, tmp_path: Path) -> None:
    paths = trained.curves().save(tmp_path / "curves")
    assert {path.name for path in paths} == {path.name for path in (tmp_path / "curves").iterdir()}
    assert {path.suffix for path in paths} == {".png", ".svg", ".html"}


def test_page_and_pictures_say_that_bpe_dropout_ends(trained: Run, tmp_path: Path) -> None:
    shown = trained.curves()
    assert trained.config.tokenizer.dropout > 0
    assert "steps down" in shown.course.note
    assert shown.course.note in shown.page.html
    for figure in shown.figures().values():
        assert " ".join(figure.get_supxlabel().split()) == shown.course.note


def test_without_a_line_of_metrics_there_are_none(copied: Run) -> None:
    (copied.path / "metrics.jsonl").write_text("")
    with pytest.raises(OctavoError, match="there are no curves yet"):
        copied.curves()


def test_elsewhere_they_are_one_line(trained: Run) -> None:
    assert repr(trained.curves()) == f"<ShownCurves: Curves of {trained.name}>"
