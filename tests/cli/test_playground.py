"""``octavo playground``."""

from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run


def test_the_page_is_in_the_run_or_where_it_is_asked_for(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for options, path in (
        ([], copied.path / "playground.html"),
        (["--output", str(tmp_path / "a.html")], tmp_path / "a.html"),
    ):
        assert main(["playground", str(copied.path), *options]) == 0
        assert capsys.readouterr().out.strip() == str(path)
        assert path.read_text().startswith("<!doctype html>")
    assert main(["verify", str(copied.path)]) == 0


def test_a_model_that_a_page_cannot_hold_is_refused_in_a_sentence(
    copied: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("octavo.reports.html.packed_model._MAX_PAGE_BYTES", {"fp16": 20_000, "int8": 100_000})
    assert main(["playground", str(copied.path)]) == 2
    assert "where 0 MB is the most" in capsys.readouterr().err
    assert not (copied.path / "playground.html").exists()
