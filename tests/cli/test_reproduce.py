"""octavo reproduce, from the command to the report, on a text and a model that are small."""

import contextlib
import io
import json
import math
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import octavo
from octavo.cli.main import main
from octavo.pipeline.run import Run, load

SMALL = [
    "model.d_model=32",
    "model.d_ff=64",
    "model.n_layers=1",
    "train.validate_every=2",
    "train.checkpoint_every=4",
]
PICTURES = {"epochs", "first-epoch", "perplexities"} | {
    f"attention-{text}-layer-0" for text in ("romeo", "to-be", "first-citizen")
}


class Reproduced(NamedTuple):
    command: list[str]
    said: str
    run: Run
    figures: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.run.path / "reproduction"


@pytest.fixture(scope="module")
def reproduced(shakespeare: str, tmp_path_factory: pytest.TempPathFactory) -> Reproduced:
    """Three hundredths of an epoch over 36 kB; for reading only."""
    here = tmp_path_factory.mktemp("reproduced")
    (here / "play.txt").write_text(shakespeare[:36_000])
    command = ["reproduce", "--text", str(here / "play.txt"), "--epochs", "0.033", "--runs", str(here)]
    command += [f"--{setting}" for setting in SMALL]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(command) == 0
    run = load("reference", runs=here)
    figures = json.loads((run.path / "reproduction" / "report.json").read_text())
    return Reproduced(command, said.getvalue(), run, figures)


def test_every_picture_is_one(reproduced: Reproduced) -> None:
    files = {path.name: path.read_bytes() for path in reproduced.folder.iterdir()}
    for name in PICTURES:
        content = files.pop(f"{name}.png")
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert 1000 <= width <= 2400
        assert 500 <= height <= 1300
        assert 10_000 < len(content) < 300_000
    assert set(files) == {"report.md", "report.json", "epochs.svg", "first-epoch.svg", "perplexities.svg"}


def test_the_figures_equal_computations_of_their_own(reproduced: Reproduced) -> None:
    perplexity, run = reproduced.figures["perplexity"], reproduced.run
    validation, sample = perplexity["validation"], perplexity["training_sample"]
    windows = [len(run.splits[name].ids) - 50 for name in ("validation", "train")]
    assert [validation["windows"], perplexity["training_windows"]] == windows
    assert len(validation["batch_losses"]) == math.ceil(windows[0] / 64)
    mean = np.average(validation["batch_losses"], weights=validation["batch_windows"])
    assert validation["loss"] == pytest.approx(mean)
    assert validation["perplexity"] == pytest.approx(math.exp(mean))
    assert validation["standard_deviation_of_batches"] == pytest.approx(np.std(validation["batch_losses"]))
    assert validation["minimum_of_batches"] == min(validation["batch_losses"])
    assert sample["windows"] == 10_000 < perplexity["training_windows"]
    wrong = perplexity["training_as_reported"]
    assert wrong["loss"] == pytest.approx(sample["loss"] * 10_000 / windows[1])
    assert wrong["perplexity"] == pytest.approx(math.exp(wrong["loss"]))
    assert validation["loss"] == pytest.approx(run.evaluation.nats_per_token, abs=0.03)
    assert reproduced.figures["evaluation"]["nats_per_token"] == run.evaluation.nats_per_token
    assert not reproduced.figures["evaluation"]["lossless_tokenizer"]


def test_the_looks_are_the_runs_own(reproduced: Reproduced) -> None:
    looks = [record for record in reproduced.run.metrics if record["event"] == "validation"]
    assert [look["step"] for look in looks] == [2, 4, 6]
    assert [look["validation_loss"] for look in reproduced.figures["looks"]] == [look["loss"] for look in looks]
    assert [look["weight_norm"] for look in reproduced.figures["looks"]] == [look["weight_norm"] for look in looks]
    assert reproduced.figures["epochs"] == []


def test_the_report_says_what_was_changed_and_what_follows(reproduced: Reproduced) -> None:
    page = (reproduced.folder / "report.md").read_text()
    assert "`train.epochs`: 10.0 → 0.033" in page
    assert "| vocabulary | 500 | 500 | equal |" in page
    assert "| characters | 1,115,394 | 36,000 | differs, because of `text` |" in page
    assert re.search(r"\| parameters \| 524,660 \| [\d,]+ \| differs, because of `model.d_ff`, `model.d_model`", page)
    assert "a fault of Octavo" not in page
    assert re.search(r"no epoch", page, re.IGNORECASE)
    assert re.search(r"tokenizer .*white space", page)
    shown = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert {name.removesuffix(".png") for name in shown} == PICTURES
    assert all((reproduced.folder / name).is_file() for name in shown)
    assert page.count("| 0.8 | `") == 5
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert str(reproduced.run.path) not in page, "the page can be shown around"


def test_the_command_says_where_everything_is(reproduced: Reproduced) -> None:
    for place in ("report.md", "report.json", "*.png"):
        assert str(reproduced.folder / place) in reproduced.said
    assert "of 13 as in the course report; others: characters, lines, SHA-256" in reproduced.said
    assert f"{reproduced.figures['perplexity']['training_as_reported']['loss']:.4f}" in reproduced.said


class TestAgain:
    """The same command on a run that stands; measuring is left out."""

    @pytest.fixture(autouse=True)
    def _unmeasured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("octavo.experiments.reproduction.reproduce.write_reproduction", lambda run, progress: run)

    def again(self, reproduced: Reproduced, runs: Path) -> Any:
        text = reproduced.run.path.parent / "play.txt"
        return octavo.reproduce(text, epochs=0.033, runs=runs, overrides=SMALL, progress=False)

    def test_a_finished_one_is_not_trained_again(self, reproduced: Reproduced) -> None:
        def written() -> dict[Path, int]:
            return {p: p.stat().st_mtime_ns for p in reproduced.run.path.rglob("*") if p.name != ".lock"}

        before = written()
        assert self.again(reproduced, reproduced.run.path.parent).path == reproduced.run.path
        assert written() == before

    def test_an_unfinished_one_goes_on_from_its_checkpoint(self, reproduced: Reproduced, tmp_path: Path) -> None:
        stopped = tmp_path / "reference"
        shutil.copytree(reproduced.run.path, stopped)
        shutil.rmtree(stopped / "checkpoints" / "step-00000006")
        whole = (stopped / "metrics.jsonl").read_bytes()
        (stopped / "metrics.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:-2]))
        run = self.again(reproduced, tmp_path)
        assert run.path == stopped
        assert run.directory.ended
        assert [sitting["first_step"] for sitting in run.directory.provenance["sittings"]] == [0, 4]
        ended, undisturbed = (dict(r.model.named_parameters()) for r in (load(stopped), reproduced.run))
        assert all(torch.equal(ended[name], undisturbed[name]) for name in undisturbed)

    def test_one_that_was_stopped_after_training_is_examined(self, reproduced: Reproduced, tmp_path: Path) -> None:
        stopped = shutil.copytree(reproduced.run.path, tmp_path / "reference")
        (stopped / "samples.txt").unlink()
        before = (stopped / "metrics.jsonl").read_bytes()
        assert self.again(reproduced, tmp_path).path == stopped
        assert (stopped / "samples.txt").exists()
        assert (stopped / "metrics.jsonl").read_bytes() == before

    def test_another_setting_is_refused(self, reproduced: Reproduced, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*reproduced.command, "--seed", "7"]) == 2
        said = capsys.readouterr()
        assert "another train.seed" in said.err
        assert not said.out


# Runs a command and tells, last on standard error, which heavy modules it imported.
WATCHED = """
import sys
from octavo.cli.main import main
code = main(sys.argv[1:])
print("HEAVY", *sorted({"torch", "numpy", "matplotlib", "rich"} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--epochs", "0"], "epochs is a budget of 0"),
        (["--optimizer.kind=adamv"], "optimizer.kind cannot be 'adamv'"),
        (["--text", "missing.txt"], "missing.txt"),
        (["--encoding", "latin-1"], "--encoding goes with --text alone: leave it out"),
        (["--name", "a/b"], "cannot be the name of a run"),
        (["--preset", "pocket"], "there is no option --preset"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_sentence_and_without_torch(
    arguments: list[str], says: str, environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WATCHED, "reproduce", *arguments]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    sentence, heavy = done.stderr.splitlines()
    assert sentence.startswith("octavo: ")
    assert says in sentence
    assert heavy == "HEAVY"
    assert not list(tmp_path.iterdir())


def test_a_signal_stops_it_and_the_same_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from octavo.training.signals import Interrupted

    def stopped(corpus: object, **options: Any) -> Run:
        raise Interrupted(15, 123)

    monkeypatch.setattr("octavo.experiments.reproduction.reproduce.train", stopped)
    assert main(["reproduce", "--runs", str(tmp_path)]) == 128 + 15
    assert "Stopped at step 123; saved." in capsys.readouterr().err


def test_stopped_while_it_measures_it_measures_when_it_is_called_again(
    copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    command = ["reproduce", "--quiet", "--runs", str(copied.path.parent), "--name", copied.name]
    monkeypatch.setattr("octavo.experiments.reproduction.reproduce.existing_run", lambda *given: copied.directory)
    monkeypatch.setattr("octavo.cli.reproduce.existing_run", lambda *given: copied.directory)
    with monkeypatch.context() as patch:
        patch.setattr("octavo.experiments.reproduction.reproduce.measure_run", stopped)
        assert main(command) == 130
    assert "Stopped at once." in capsys.readouterr().err
    assert not (copied.path / "reproduction" / "report.md").exists()
    monkeypatch.setattr("octavo.experiments.reproduction.reproduce.draw_all", lambda *given: None)  # takes longest
    assert main(command) == 0
    assert (copied.path / "reproduction" / "report.md").exists()
