"""octavo experiment."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from octavo.cli.main import main
from octavo.experiments import read_spec
from octavo.experiments.results import CellResult, summarise

FILE = """# Is wider better?
seeds = [1]
steps = 5

[variants.narrow]
[variants.wide]
model.d_ff = 96
"""


@pytest.fixture
def file(tmp_path: Path, play: str, tiny: dict[str, Any]) -> Path:
    (tmp_path / "scene.txt").write_bytes(play[:8_000].encode())
    place = tmp_path / "widths.toml"
    place.write_text(FILE + tomli_w.dumps({"overrides": tiny}).replace("[overrides]", "\n[overrides]"))
    place.write_text(place.read_text().replace("seeds", 'text = "scene.txt"\nseeds'))
    return place


def test_a_dry_run_tells_and_writes_nothing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    assert main(["experiment", str(file), "--dry-run", "--steps", "9", "--workers", "1", "--runs", str(runs)]) == 0
    said = capsys.readouterr().out
    assert "2 variants × 1 seed = 2 runs" in said
    assert "about 9 steps" in said
    assert f"would be written to {runs / 'widths-9-steps'}" in said
    assert not runs.exists()


def test_runs_in_processes_and_prints_the_table(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace("[variants.narrow]\n", ""))
    arguments = ["experiment", str(file), "--runs", str(tmp_path), "--name", "w"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    table = (tmp_path / "w" / "table.md").read_text()
    assert table in said.out
    assert table.startswith("# Is wider better?\n")
    assert f"figure   {tmp_path / 'w' / 'figure.png'}" in said.out
    assert "1 variant × 1 seed = 1 run" in said.err
    assert "wide, seed 1: " in said.err
    assert "failed" not in said.out
    assert main(["evaluate", str(tmp_path / "w" / "wide-seed1")]) == 0
    capsys.readouterr()
    assert main([*arguments, "--quiet"]) == 0
    again = capsys.readouterr()
    assert table in again.out
    assert again.err == ""


def test_failures_are_counted_with_what_to_type(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from octavo.experiments import experiment as module

    def half_failed(given: Path, **options: Any) -> module.Experiment:
        spec = read_spec(given)
        rows = (
            CellResult("narrow", 1, "x", nats_per_character=1.5),
            CellResult("wide", 1, "x", failure="it exploded"),
        )
        return module.Experiment(tmp_path / "w", spec, rows, tuple(summarise(spec, rows)))

    monkeypatch.setattr(module, "experiment", half_failed)
    assert main(["experiment", str(file), "--runs", str(tmp_path), "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert "- wide, seed 1, failed: it exploded." in said
    again = f"experiment {file} --runs {tmp_path} --workers 2 --retry"
    assert said.splitlines()[-1].startswith("1 of 2 runs failed; to try again: ")
    assert said.splitlines()[-1].endswith(again)


WRONG = [
    (["none.toml"], "none.toml"),
    (["widths.toml", "--workers", "0"], "0 workers"),
    (["widths.toml", "--workers", "2", "--scheduler", "tcp://x:1"], "--scheduler"),
    (["widths.toml", "--dry-run", "--scheduler", "tcp://x:1"], "--scheduler"),
    (["widths.toml", "--steps", "0"], "steps"),
    (["widths.toml", "--name", "a/b"], "'a/b'"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_one_sentence(
    arguments: list[str],
    says: str,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(file.parent)
    assert main(["experiment", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert says in said.err
    assert not (file.parent / "runs").exists()


@pytest.mark.parametrize("wrong", ["[variants.a]\n", "seeds = [1]\n[variants.a]\nmodel.n_layer = 2\n", "seeds = ["])
def test_a_wrong_file_is_refused_before_anything_heavy_is_loaded(
    wrong: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "a.toml").write_text(wrong)
    code = (
        "import sys; from octavo.cli.main import main; code = main(sys.argv[1:])\n"
        "print(code, *sorted({'torch', 'numpy', 'scipy', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "experiment", str(tmp_path / "a.toml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert done.stderr.count("\n") == 1


def test_octavo_in_python_has_it() -> None:
    import octavo

    found: Callable[..., Any] = octavo.experiment
    assert found.__module__ == "octavo.experiments.experiment"
