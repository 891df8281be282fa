"""octavo bench."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import run

import pytest

from octavo.bench.measure import BenchComparison, Measurement
from octavo.cli.main import main
from octavo.reports.terminal import bench as bench_table
from octavo.reports.terminal.colours import make_console


@pytest.fixture
def _patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.bench.training._SCORED_TOKENS", 300)


@pytest.mark.usefixtures("_patched")
def test_the_tables_are_shown_and_json_and_picture_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a" / "b"
    assert main(["bench", "--suite", "evaluate", "--rounds", "2", "--output", str(folder), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "Scoring 300 tokens, each scored once" in shown.out
    assert shown.out.splitlines()[-2:] == [str(folder / "bench.json"), str(folder / "bench.png")]
    assert not shown.err
    values = json.loads((folder / "bench.json").read_text())
    assert list(values["suites"]) == ["evaluate"]
    assert {len(case["rates"]) for case in values["suites"]["evaluate"][0]["cases"]} == {2}
    assert (folder / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--rounds", "0"], "0 rounds are out of range"),
        (["--peers", "nowhere"], "there is no folder nowhere"),
        (["--suite", "speed"], "argument --suite: 'speed' is not a choice"),
        (["--output", "file/in"], "file is a file: name a folder"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    given: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr("octavo.bench.suites.run_suites", lambda *a: pytest.fail("something was measured"))
    assert main(["bench", *given]) == 2
    assert capsys.readouterr().err.startswith(f"octavo: {sentence}")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_refusal_loads_nothing_heavy(environment: Mapping[str, str], tmp_path: Path) -> None:
    called = "from octavo.cli.main import main; print(main(['bench', '--rounds', '0']))"
    code = f"{called}; import sys; print('torch' in sys.modules)"
    told = run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == "2\nFalse\n"


def test_a_row_a_case_beside_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Measurement("plain", "w", 10, "steps", "fp32, 2 threads", (1000.0, 1250.0, 2000.0))
    fast = Measurement("octavo", "w", 10, "steps", "bf16, 2 threads", (2500.0, 2500.0, 2500.0))
    found = BenchComparison(
        "a step", (slow, fast), ("A sentence that is so long that it takes more than a line. " * 2,)
    )
    make_console().print(bench_table.bench_table(found))
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["steps", "a", "second", "range", "a", "round", "ratio"]
    assert first.split() == ["plain", "fp32,", "2", "threads", "1,250", "1,000", "…", "2,000", "8", "ms", "1"]
    assert second.split() == ["octavo", "bf16,", "2", "threads", "2,500", "2,500", "…", "2,500", "4", "ms", "2"]
    assert all(len(line) <= 80 for line in bench_table.bench_notes(found))


def test_numbers_have_three_digits() -> None:
    assert [bench_table.amount(n) for n in (1234567.8, 99.96, 1.234, 0.01234)] == [
        "1,234,568",
        "100",
        "1.23",
        "0.0123",
    ]
    assert [bench_table.seconds(n) for n in (12.345, 0.25, 0.0004567)] == ["12.3 s", "250 ms", "0.457 ms"]
