"""Runs that are extended to a larger budget end as if they had begun with it; refusals and crashes lose nothing."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import octavo
from octavo.cli.main import main
from octavo.config.comments import commented_toml
from octavo.config.overrides import Request
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.pipeline.verify import verify
from octavo.runs import RunDirectory, extension
from octavo.runs.checkpoint_files import BEFORE_DECAY, newest_first
from octavo.runs.completion import missing_stage
from octavo.runs.extension import requested_extension

EXACT = {
    "schedule.warmup": 0.0,
    "train.checkpoint_every": 15,
    "train.keep_checkpoints": 0,
    "tokenizer.dropout": 0.0,
    "train.calibrate": True,
}
EARLIER = Path(__file__).with_name("earlier_version")


def begin(text: Path, runs: Path, settings: dict[str, Any], name: str, **budget: Any) -> Run:
    return train(text, name=name, overrides=settings, runs=runs, progress=False, brief=True, **budget)


def resume(run: Run | Path, **options: Any) -> Run:
    path = run if isinstance(run, Path) else run.path
    return train(resume=True, name=path.name, runs=path.parent, progress=False, brief=True, **options)


def weights(run: Run) -> bytes:
    return (run.path / "checkpoints" / run.checkpoint / "weights.safetensors").read_bytes()


def losses(run: Run) -> list[tuple[int, float]]:
    return [(e["step"], e["loss"]) for e in run.metrics if e["event"] == "step"]


def unfinish(run: Run, at_step: int) -> None:
    """Make a run look as if it had been killed after the checkpoint of a step."""
    log = run.path / "metrics.jsonl"
    kept = [line for line in log.read_bytes().splitlines(keepends=True) if json.loads(line)["step"] <= at_step]
    log.write_bytes(b"".join(line for line in kept if json.loads(line)["event"] != "end"))
    for path in newest_first(run.path / "checkpoints"):
        if int(path.name.removeprefix("step-")) > at_step:
            shutil.rmtree(path)
    (run.path / "evaluation.json").unlink()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    path = tmp_path_factory.mktemp("extended") / "scene.txt"
    path.write_bytes(play[:14_000].encode())
    return path


@pytest.fixture(scope="module")
def short(text: Path, tiny: dict[str, Any]) -> Run:
    """A run of 40 steps, whose learning rate falls from step 20 on; for reading only."""
    return begin(text, text.parent, tiny | EXACT, "short", steps=40)


@pytest.fixture(scope="module")
def long(text: Path, tiny: dict[str, Any]) -> Run:
    """The same with 70 steps from the start; for reading only."""
    return begin(text, text.parent, tiny | EXACT, "long", steps=70)


@pytest.fixture
def run(short: Run, tmp_path: Path) -> Run:
    shutil.copytree(short.path, tmp_path / "runs" / "short")
    return load(tmp_path / "runs" / "short")


class TestExtending:
    def test_a_finished_run_ends_bit_for_bit_as_one_with_that_budget(self, run: Run, short: Run, long: Run) -> None:
        former = ("samples.txt", "report.html", "playground.html", "analysis")
        for name in former[:3]:
            (run.path / name).write_text("old")
        (run.path / "analysis").mkdir()
        extended = resume(run, steps=70)
        assert extended.checkpoint == "step-00000070"
        assert weights(extended) == weights(long)
        assert losses(extended) == losses(long)
        assert extended.evaluation.nats_per_token == long.evaluation.nats_per_token
        assert not any(
            (run.path / name).exists() for name in ("samples.txt", "report.html", "playground.html", "analysis")
        )
        assert extended.directory.config == long.config
        assert [check for check in verify(extended.directory, full=True) if check.wrong] == []
        (entry,) = extended.directory.provenance["extensions"]
        assert (entry["budget"], entry["former_budget"], entry["from_step"]) == ({"steps": 70}, {"steps": 40}, 20)
        assert entry["former_score"]["nats_per_token"] == short.evaluation.nats_per_token
        assert entry["former_score"]["protocol"] == "sliding"
        (note,) = extension.extension_notes(extended.directory.provenance)
        assert f"{short.evaluation.bits_per_character:.3f} bits per character" in note

    def test_it_can_be_extended_again(self, run: Run, long: Run) -> None:
        resume(run, steps=50)
        extended = resume(run, steps=70)
        assert weights(extended) == weights(long)
        assert [e["from_step"] for e in extended.directory.provenance["extensions"]] == [20, 25]

    def test_with_the_default_warmup_the_score_is_about_that_of_the_longer_run(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        begin(text, tmp_path, tiny, "a", steps=60)
        extended = resume(tmp_path / "a", steps=120)
        whole = begin(text, tmp_path, tiny, "b", steps=120)
        score, expected = extended.evaluation.nats_per_character, whole.evaluation.nats_per_character
        assert score == pytest.approx(expected, abs=0.03)  # runs this short differ by as much
        rates = [e["learning_rate"] for e in extended.metrics if e["event"] == "step" and 2 < e["step"] <= 60]
        assert set(rates) == {extended.config.optimizer.learning_rate}

    def test_the_rate_stays_at_its_peak_where_the_new_warmup_would_be_longer(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        settings = tiny | {"schedule.warmup": 0.4, "train.log_every": 1}
        begin(text, tmp_path, settings, "a", steps=20)
        extended = resume(tmp_path / "a", steps=100)
        rates = {e["step"]: e["learning_rate"] for e in extended.metrics if e["event"] == "step"}
        peak = extended.config.optimizer.learning_rate
        assert {rates[step] for step in range(9, 51)} == {peak}
        assert rates[52] < peak

    def test_steps_become_minutes(self, run: Run) -> None:
        minutes = run.metrics[-1]["seconds"] / 60 + 0.01
        extended = resume(run, minutes=minutes)
        assert (extended.directory.config.train.minutes, extended.directory.config.train.steps) == (minutes, 0)
        assert extended.metrics[-1]["seconds"] >= 60 * minutes

    def test_steps_become_epochs(self, run: Run) -> None:
        extended = resume(run, epochs=5.0)
        assert (extended.directory.config.train.epochs, extended.directory.config.train.steps) == (5.0, 0)
        assert extended.metrics[-1]["epoch"] == pytest.approx(5.0, abs=0.15)

    def test_minutes_become_steps(self, text: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
        first = begin(text, tmp_path, tiny, "a", minutes=0.01)
        target = first.metrics[-1]["step"] + 10
        assert resume(first, steps=target).metrics[-1]["step"] == target

    def test_a_decay_over_the_whole_run_is_extended_from_its_beginning(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        settings = tiny | {"schedule.warmup": 0.0, "schedule.decay": 1.0}
        extended = resume(begin(text, tmp_path, settings, "a", steps=10), steps=15)
        assert weights(extended) == weights(begin(text, tmp_path, settings, "b", steps=15))

    def test_a_constant_rate_is_extended_from_the_last_checkpoint(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        settings = tiny | EXACT | {"schedule.kind": "constant", "train.calibrate": False}
        extended = resume(begin(text, tmp_path, settings, "a", steps=10), steps=25)
        assert extended.directory.provenance["extensions"][0]["from_step"] == 10
        assert not (extended.path / "checkpoints" / BEFORE_DECAY).exists()
        assert weights(extended) == weights(begin(text, tmp_path, settings, "b", steps=25))
        assert [e["event"] for e in extended.metrics].count("end") == 1

    @pytest.mark.parametrize(("killed_at", "from_step"), [(15, 15), (30, 20)])
    def test_an_unfinished_run_goes_on_or_back(self, run: Run, long: Run, killed_at: int, from_step: int) -> None:
        unfinish(run, killed_at)
        assert missing_stage(run.directory) == "training"
        if killed_at < 20:
            shutil.rmtree(run.path / "checkpoints" / BEFORE_DECAY)
        extended = resume(run, steps=70)
        assert extended.directory.provenance["extensions"][0]["from_step"] == from_step
        assert weights(extended) == weights(long)
        assert [check for check in verify(extended.directory) if check.wrong] == []


class TestAnInterruptedExtension:
    @pytest.mark.parametrize(
        "action", ["remove", "os.rename", "MetricsLog", "write_atomically", "sync_folder"], ids=lambda name: name
    )
    def test_it_is_completed_by_the_next_resume(
        self, run: Run, long: Run, monkeypatch: pytest.MonkeyPatch, action: str
    ) -> None:
        """tests/faults kills real processes in it, at system calls."""
        (run.path / "samples.txt").write_text("old")

        def killed(*given: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(f"octavo.runs.extension.{action}", killed)
            with pytest.raises(KeyboardInterrupt):
                resume(run, steps=70)
        assert newest_first(run.path / "checkpoints")
        assert missing_stage(run.directory) == "training"
        assert [check for check in verify(run.directory) if check.wrong] == []
        with pytest.raises(OctavoError, match="is being extended to 70 steps"):
            resume(run, steps=90)
        extended = resume(run)
        assert weights(extended) == weights(long)
        assert len(extended.directory.provenance["extensions"]) == 1
        assert not (run.path / "extension.json").exists()
        assert [check for check in verify(extended.directory) if check.wrong] == []

    def test_before_its_first_checkpoint_it_goes_on(self, run: Run, long: Run) -> None:
        done = extension.extend(run.directory, Request(steps=70))
        assert "step 20" in done
        assert run.directory.newest_checkpoint == "step-00000020"
        assert missing_stage(run.directory) == "training"
        assert weights(resume(run)) == weights(long)

    def test_a_damaged_journal_is_refused(self, run: Run) -> None:
        (run.path / "extension.json").write_text('{"budget": {"step": 3}}')
        with pytest.raises(OctavoError, match=r"extension\.json is damaged"):
            resume(run)


class TestRefused:
    @pytest.mark.parametrize("budget", [{"steps": 39}, {"epochs": 0.1}, {"minutes": 0.0001}])
    def test_a_budget_that_is_not_larger(self, short: Run, budget: dict[str, Any]) -> None:
        before = (short.path / "metrics.jsonl").read_bytes()
        with pytest.raises(OctavoError, match="give a larger budget"):
            resume(short, **budget)
        assert (short.path / "metrics.jsonl").read_bytes() == before

    def test_other_settings_with_it(self, short: Run) -> None:
        with pytest.raises(OctavoError, match=r"was begun with another train\.seed"):
            resume(short, steps=70, seed=3)

    @pytest.mark.parametrize(
        ("change", "says"),
        [({"kind": "cosine"}, "falls from the warm-up on"), ({}, "kept no checkpoint"), (None, "cannot be used")],
    )
    def test_a_run_without_a_usable_checkpoint(self, run: Run, change: dict[str, Any] | None, says: str) -> None:
        kept = run.path / "checkpoints" / BEFORE_DECAY
        if change is None:
            (kept / "weights.safetensors").write_bytes(b"half")
        else:
            shutil.rmtree(kept)
            schedule = replace(run.config.schedule, **change)
            (run.path / "config.toml").write_text(commented_toml(replace(run.config, schedule=schedule)))
        with pytest.raises(OctavoError, match=says):
            requested_extension(run.directory, Request(steps=70))

    @pytest.mark.parametrize("name", ["finished", "interrupted"])
    def test_a_run_of_an_earlier_version(self, name: str) -> None:
        with pytest.raises(OctavoError, match="its version of Octavo kept no checkpoint"):
            requested_extension(RunDirectory(EARLIER / name), Request(steps=10_000))

    def test_a_run_that_stopped_early(self, text: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
        settings = tiny | {"train.patience": 1, "train.validate_every": 1, "schedule.kind": "constant"}
        stopped = begin(text, tmp_path, settings | {"optimizer.learning_rate": 0.5}, "a", steps=60)
        assert stopped.metrics[-1]["reason"] == "patience"
        with pytest.raises(OctavoError, match=r"a larger train\.patience"):
            resume(stopped, steps=70)


class TestAFinishedRun:
    def test_is_not_touched_without_a_budget(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        resume(run)
        (run.path / "examination.json").unlink()
        (run.path / "samples.txt").write_text("")
        digest = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in run.path.rglob("*") if p.is_file()}
        for budget in ([], ["--steps", "40"]):
            given = ["train", "--resume", "--name", "short", "--runs", str(run.path.parent), *budget]
            assert main(given) == 0
            said = capsys.readouterr()
            assert f"{run.evaluation.bits_per_character:.3f}" in said.out
            assert f"train --resume --name short --steps 80 --runs {run.path.parent}" in said.out
            assert said.err == ""
        assert {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in digest} == digest
        assert octavo.train(resume=True, name="short", runs=run.path.parent, progress=False).path == run.path

    def test_of_an_earlier_version_says_why_it_cannot_be_extended(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copytree(EARLIER / "finished", tmp_path / "finished")
        assert main(["train", "--resume", "--name", "finished", "--runs", str(tmp_path)]) == 0
        said = capsys.readouterr().out
        assert "kept no checkpoint" in said
        assert "--steps" not in said

    def test_is_extended_from_the_command_line(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        given = ["train", "--resume", "--name", "short", "--steps", "45", "--runs", str(run.path.parent)]
        assert main(given) == 0
        said = capsys.readouterr()
        assert "extending the budget from 40 steps to 45 steps" in said.err
        assert "45 steps" in said.out
        assert main([*given[:4], "--steps", "44", *given[6:]]) == 2
        assert capsys.readouterr().err.count("\n") == 1
