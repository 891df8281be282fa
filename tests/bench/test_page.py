"""The model in a page is measured in Chromium, and a note says so where that is not possible."""

from dataclasses import replace
from pathlib import Path

import pytest

from octavo.bench.generator import TextGenerator
from octavo.bench.page import bench_page
from octavo.cli.main import main
from octavo.config import Config, load_preset
from octavo.reports.playground import measured_page


def page_of(generator: TextGenerator, config: Config) -> str:
    return measured_page(generator.model, generator.tokenizer, config).html


@pytest.mark.usefixtures("browser")
def test_every_case_is_measured_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_preset("pocket")
    small = replace(config, model=replace(config.model, d_model=16, d_ff=16, n_heads=2, n_layers=1))
    monkeypatch.setattr("octavo.bench.page.load_preset", lambda name: small)
    progress: list[float] = []
    results = bench_page(page_of, 2, {}, progress.append)
    cases = [case for one in results for case in one.measurements]
    assert [case.unit for case in cases] == ["tokens", "keystrokes", "keystrokes", "pages"]
    assert all(len(case.rates) == 2 and min(case.rates) > 0 for case in cases)
    assert 0.0001 < cases[-1].seconds < 60
    assert progress == [0, 1 / 3, 2 / 3]


@pytest.mark.parametrize(
    ("browser_name", "says"),
    [("no-such-browser", "needs Chromium, which is not installed"), ("false", "exit code 1")],
)
def test_without_a_browser_that_works_a_sentence_says_so(
    browser_name: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("octavo.bench.page.BROWSERS", (browser_name,))
    assert main(["bench", "--suite", "page", "--rounds", "1", "--output", str(tmp_path), "--quiet"]) == 0
    assert says in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "bench.json").exists()
