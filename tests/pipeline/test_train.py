"""The whole path on disk: runs that are killed, interrupted, stopped early or fed with odd texts."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from octavo.cli.main import main
from octavo.config.overrides import Request
from octavo.corpus import Corpus, Document
from octavo.errors import DivergenceError, OctavoError, OctavoWarning
from octavo.formats.toml_schema import to_toml, with_overrides
from octavo.pipeline import session
from octavo.pipeline.plan import make_plan
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.reports.recipe import recipe
from octavo.runs import MetricsLog, Record, RunDirectory, locked
from octavo.runs.checkpoint import Checkpoint, load_newest, save_checkpoint
from octavo.runs.metrics import read_metrics
from octavo.runs.resume import run_to_resume

STEPS: dict[str, Any] = {
    "train.steps": 110,
    "train.minutes": 0,
    "train.checkpoint_every": 12,
    "train.validate_every": 8,
    "train.log_every": 3,
    "train.average": 0.98,
    "train.patience": 100,
    "train.sample_every": 50,
    "model.dropout": 0.1,
    "model.hidden_dropout": 0.1,
    "tokenizer.dropout": 0.1,
}
EPOCHS: dict[str, Any] = {
    "train.epochs": 4.5,
    "train.minutes": 0,
    "train.checkpoint_every": 10,
    "train.log_every": 1,
    "model.dropout": 0.2,
    "optimizer.kind": "adamw",
    "data.last_batch": "partial",
}


def settings(overrides: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in overrides.items()]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    path = tmp_path_factory.mktemp("pipeline") / "scene.txt"
    path.write_bytes(play[:20_000].encode())
    return path


@pytest.fixture(scope="module")
def by_steps(text: Path, tiny: dict[str, Any]) -> Run:
    """A run that nothing disturbed."""
    return train(text, name="steps", overrides=tiny | STEPS, runs=text.parent, progress=False)


@pytest.fixture(scope="module")
def by_epochs(text: Path, tiny: dict[str, Any]) -> Run:
    """Another, whose curves nobody drew."""
    with without_pictures():
        return train(text, name="epochs", overrides=tiny | EPOCHS, runs=text.parent, progress=False)


@contextmanager
def without_pictures() -> Iterator[None]:
    """Drawing curves takes longer than training these; `by_steps` has its own."""

    def draw(metrics: Any, folder: Path, *given: Any) -> list[Path]:
        folder.mkdir(exist_ok=True)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octavo.reports.html.curves.draw_curves", draw)
        yield


@pytest.fixture(autouse=True)
def _undrawn() -> Iterator[None]:
    with without_pictures():
        yield


def stopped(number: signal.Signals, at_step: int, run: Path, environment: dict[str, str], *arguments: str) -> Any:
    """Begin `run` in a process of its own, and send the signal when its metrics come to a step."""
    command = [sys.executable, "-m", "octavo.cli.main", "train", *arguments]
    process = subprocess.Popen(
        [*command, "--runs", str(run.parent), "--name", run.name],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    metrics, deadline = run / "metrics.jsonl", time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        lines = metrics.read_bytes().split(b"\n")[:-1] if metrics.exists() else []
        if lines and json.loads(lines[-1])["step"] >= at_step:
            break
        time.sleep(0.002)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def same(found: Run, expected: Run) -> bool:
    """Whether two runs have come to the same: every tensor of the last checkpoint, every loss on the way."""
    last = found.path / "checkpoints" / found.checkpoint
    other = expected.path / "checkpoints" / expected.checkpoint
    assert last.name == other.name
    files = sorted(path.name for path in other.glob("*.safetensors"))
    assert sorted(path.name for path in last.glob("*.safetensors")) == files
    differing = [name for name in files if (last / name).read_bytes() != (other / name).read_bytes()]
    assert not differing

    def told(run: Run) -> list[tuple[Any, ...]]:
        return [(e["event"], e["step"], e["epoch"], e.get("loss"), e.get("text")) for e in run.metrics]

    assert told(found) == told(expected)
    a, b = asdict(found.evaluation), asdict(expected.evaluation)
    assert a | {"seconds": 0} == b | {"seconds": 0}
    assert (found.path / "samples.txt").read_text() == (expected.path / "samples.txt").read_text()
    return True


class TestKilled:
    """As one may be; tests/faults has many more, at every system call."""

    def test_and_resumed_it_ends_with_bit_identical_weights(
        self,
        text: Path,
        tiny: dict[str, Any],
        by_steps: Run,
        environment: dict[str, str],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        given = [str(text), *settings(tiny | STEPS)]
        killed = stopped(signal.SIGKILL, 40, tmp_path / "a", environment, *given)
        assert killed.returncode == -signal.SIGKILL
        half = load(tmp_path / "a")
        assert not half.directory.ended
        assert 36 <= int(half.checkpoint.removeprefix("step-")) < 110
        assert main(["train", "--resume", "--name", "a", "--runs", str(tmp_path)]) == 0
        went_on = capsys.readouterr()
        assert f"from {half.checkpoint}" in went_on.err
        assert "\x1b" not in went_on.out + went_on.err, "it goes to no terminal"
        assert same(load(tmp_path / "a"), by_steps)
        steps = [e["step"] for e in load(tmp_path / "a").metrics if e["event"] == "step"]
        assert steps == sorted(set(steps))
        sittings = half.directory.provenance["sittings"]
        assert [s["first_step"] for s in sittings] == [0, int(half.checkpoint.removeprefix("step-"))]

    def test_before_the_first_checkpoint_it_begins_anew(self, by_epochs: Run, tmp_path: Path) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        shutil.rmtree(tmp_path / "a" / "checkpoints")
        for made in ("evaluation.json", "samples.txt", "diagnosis.json", "memorisation.json", "baselines.json"):
            (tmp_path / "a" / made).unlink()
        log = tmp_path / "a" / "metrics.jsonl"
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:8]))
        assert same(train(resume=True, runs=tmp_path, progress=False), by_epochs)

    def test_with_the_newest_checkpoint_damaged_the_one_before_is_gone_on_from(
        self, by_epochs: Run, tmp_path: Path
    ) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        newest = tmp_path / "a" / "checkpoints" / by_epochs.checkpoint
        (newest / "weights.safetensors").write_bytes(b"half")
        log = tmp_path / "a" / "metrics.jsonl"
        log.write_bytes(log.read_bytes()[:-30])  # it died while it wrote its last line
        with pytest.warns(OctavoWarning, match=f"{by_epochs.checkpoint} cannot be used"):
            assert same(train(resume=True, name="a", runs=tmp_path, progress=False), by_epochs)

    def test_the_checkpoint_that_is_gone_on_from_is_not_held_while_training(
        self, by_epochs: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        shutil.rmtree(tmp_path / "a" / "checkpoints" / by_epochs.checkpoint)
        log = tmp_path / "a" / "metrics.jsonl"
        log.write_bytes(log.read_bytes()[:-30])  # it had not ended
        read: list[weakref.ref[Checkpoint]] = []
        held: list[bool] = []

        def reads(*given: Any) -> tuple[Path, Checkpoint]:
            place, checkpoint = load_newest(*given)
            read.append(weakref.ref(checkpoint))
            return place, checkpoint

        def heard(*given: Any) -> None:
            held.append(read[0]() is not None)
            record(*given)

        record = session.EventRecorder.record
        monkeypatch.setattr(session, "load_newest", reads)
        monkeypatch.setattr(session.EventRecorder, "record", heard)
        train(resume=True, name="a", runs=tmp_path, progress=False, brief=True)
        assert held
        assert not any(held)

    def test_a_config_that_asks_for_too_much_memory_is_refused(self, by_epochs: Run, tmp_path: Path) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        config = with_overrides(by_epochs.config, [("data.batch_size", 2**20)])
        (tmp_path / "a" / "config.toml").write_text(to_toml(config))
        lines = (tmp_path / "a" / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / "a" / "metrics.jsonl").write_bytes(b"".join(lines[:-1]))
        with pytest.raises(OctavoError, match=r"this run needs about .* GiB and the machine has"):
            train(resume=True, name="a", runs=tmp_path, progress=False)

    @pytest.mark.parametrize(
        ("file", "old", "new", "says"),
        [
            ("metrics.jsonl", b'"weight_norm"', b'"weight_narm"', r"line \d+ has no weight_norm: delete that line"),
            ("provenance.json", b'"precision": {\n  "name"', b'"precision": {\n  "nome"', "is damaged"),
            ("provenance.json", b'"sittings"', b'"sitting"', r"provenance\.json is damaged"),
        ],
    )
    def test_records_that_lack_something_are_refused_in_a_sentence(
        self, by_epochs: Run, tmp_path: Path, file: str, old: bytes, new: bytes, says: str
    ) -> None:
        place = tmp_path / "a"
        shutil.copytree(by_epochs.path, place)
        lines = (place / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (place / "metrics.jsonl").write_bytes(b"".join(lines[:-1]))
        content = (place / file).read_bytes()
        assert old in content
        (place / file).write_bytes(content.replace(old, new))
        with pytest.raises(OctavoError, match=says):
            train(resume=True, name="a", runs=tmp_path, progress=False)

    def test_while_it_was_scored_it_is_scored_and_not_trained_again(self, by_epochs: Run, tmp_path: Path) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        for made in ("evaluation.json", "samples.txt"):
            (tmp_path / "a" / made).unlink()
        before = (tmp_path / "a" / "metrics.jsonl").read_bytes()
        assert same(train(resume=True, name="a", runs=tmp_path, progress=False), by_epochs)
        assert (tmp_path / "a" / "metrics.jsonl").read_bytes() == before

    @pytest.mark.parametrize("missing", [["samples.txt"], ["samples.txt", "diagnosis.json"]], ids=len)
    def test_while_it_was_examined_it_is_examined_and_not_trained_again(
        self, by_epochs: Run, tmp_path: Path, missing: list[str]
    ) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        for made in missing:
            (tmp_path / "a" / made).unlink()
        before = (tmp_path / "a" / "metrics.jsonl").read_bytes()
        assert same(train(resume=True, runs=tmp_path, progress=False), by_epochs)
        assert (tmp_path / "a" / "metrics.jsonl").read_bytes() == before
        assert (tmp_path / "a" / "diagnosis.json").exists()
        with pytest.raises(OctavoError, match="no unfinished run"):
            train(resume=True, runs=tmp_path, progress=False)


class TestStoppedAtOnce:
    """Ctrl-C where nothing waits for a step to end."""

    @pytest.mark.parametrize("stage", ["baselines", "memorisation", "curves", "generate_many"])
    def test_the_run_is_named_and_taken_up(
        self,
        by_epochs: Run,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        stage: str,
    ) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        for made in ("samples.txt", "diagnosis.json", "baselines.json"):
            (tmp_path / "a" / made).unlink()
        with monkeypatch.context() as patch:
            patch.setattr(Run, stage, _interrupted)
            assert main(["train", "--resume", "--quiet", "--runs", str(tmp_path)]) == 130
        said = capsys.readouterr().err
        again = f"train --resume --name a --runs {tmp_path}"
        assert said.startswith("Stopped at once")
        assert said.endswith(f"{again}\n")
        assert main([*again.split(), "--quiet"]) == 0
        assert (tmp_path / "a" / "samples.txt").read_bytes() == (by_epochs.path / "samples.txt").read_bytes()

    def test_before_there_is_a_run(
        self, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.pipeline.train.make_plan", _interrupted)
        assert main(["train", str(text), "--quiet", "--runs", str(tmp_path / "runs")]) == 130
        assert capsys.readouterr().err == "Stopped at once, before anything was written.\n"
        assert not (tmp_path / "runs").exists()


def _interrupted(*arguments: Any, **options: Any) -> Any:
    raise KeyboardInterrupt


def test_signals_save_and_say_how_to_go_on_and_going_on_works(
    text: Path,
    tiny: dict[str, Any],
    by_steps: Run,
    environment: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = MetricsLog.write

    def control_c(log: MetricsLog, record: Record) -> None:
        write(log, record)
        if (record["event"], record["step"]) == ("step", 60):
            signal.raise_signal(signal.SIGINT)

    def interrupted() -> tuple[int, str]:
        with monkeypatch.context() as patch:
            patch.setattr(MetricsLog, "write", control_c)
            return main(["train", "--resume", "--runs", str(tmp_path), "--name", "a"]), capsys.readouterr().err

    def terminated() -> tuple[int, str]:
        given = [str(text), *settings(tiny | STEPS)]
        done = stopped(signal.SIGTERM, 20, tmp_path / "a", environment, *given)
        return done.returncode, done.stderr

    reached = 0
    for stop, code in ((terminated, 143), (interrupted, 130)):
        ended, told = stop()
        assert ended == code, told
        said = told.splitlines()[-1]
        assert f"train --resume --name a --runs {tmp_path}" in said
        assert "Traceback" not in told
        place, checkpoint = load_newest(tmp_path / "a" / "checkpoints")
        assert f"Stopped at step {checkpoint.state['step']}; saved" in said
        assert checkpoint.state["step"] > reached
        reached = checkpoint.state["step"]
        assert place.name == f"step-{reached:08d}"
    run = train(resume=True, name="a", runs=tmp_path, progress=False)
    assert [e["step"] for e in run.metrics if e["event"] == "step"] == [
        e["step"] for e in by_steps.metrics if e["event"] == "step"
    ]
    for group in ("weights", "optimizer", "averaged", "best"):
        file = Path("checkpoints", run.checkpoint, f"{group}.safetensors")
        assert (run.path / file).read_bytes() == (by_steps.path / file).read_bytes(), group


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such terminals")
def test_a_terminal_that_closes_saves_the_run(
    text: Path, tiny: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    terminal, its_end = os.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(its_end, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "octavo.cli.main", "train", str(text), "--runs", str(tmp_path), "--name", "a"),
            *settings(tiny | STEPS | {"train.steps": 5_000}),
        ],
        env=environment,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        preexec_fn=take_terminal,
    )
    os.close(its_end)
    metrics, deadline = tmp_path / "a" / "metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 2**16)
    os.close(terminal)
    assert process.wait(60) == 128 + signal.SIGHUP
    _, checkpoint = load_newest(tmp_path / "a" / "checkpoints")
    assert checkpoint.state["step"] > 0
    assert read_metrics(metrics)[-1]["step"] <= checkpoint.state["step"]


class TestResuming:
    def test_without_a_name_it_is_what_was_worked_on_last_and_can_be_read(
        self, by_epochs: Run, tmp_path: Path
    ) -> None:
        for name in ("a", "b", "c"):
            run = RunDirectory(tmp_path / name)
            shutil.copytree(by_epochs.path, run.path)
            (run.path / "samples.txt").unlink()
        provenance = run.provenance
        began = datetime.fromisoformat(provenance["sittings"][-1]["began"]) + timedelta(seconds=1)
        provenance["sittings"][-1]["began"] = began.isoformat()
        RunDirectory(tmp_path / "a").write_json("provenance.json", provenance)
        assert run_to_resume(tmp_path, None).name == "a"
        provenance["sittings"] = []  # it has come to its folder, and no further
        RunDirectory(tmp_path / "b").write_json("provenance.json", provenance)
        os.utime(tmp_path / "b" / "config.toml", (4e9, 4e9))
        assert run_to_resume(tmp_path, None).name == "b"
        (tmp_path / "b" / "evaluation.json").write_text("{")
        (tmp_path / "a" / "provenance.json").write_text("{")
        with pytest.warns(OctavoWarning, match=r"json is damaged"):
            assert run_to_resume(tmp_path, None).name == "c"
        (tmp_path / "c" / "samples.txt").write_text("")
        with pytest.raises(OctavoError, match=r"(a/provenance|b/evaluation)\.json is damaged"):
            run_to_resume(tmp_path, None)

    @pytest.mark.filterwarnings("always::octavo.errors.OctavoWarning")
    def test_it_is_chosen_once_and_a_damaged_one_named_once(
        self, by_epochs: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The command line chooses before torch is loaded; another may be the newest when that is done."""
        for name in ("a", "b", "damaged"):
            shutil.copytree(by_epochs.path, tmp_path / name)
            (tmp_path / name / "samples.txt").unlink()
        (tmp_path / "damaged" / "evaluation.json").write_text("{")
        resumed: list[str] = []

        def newest_is_another(run: RunDirectory, request: Request, corpus: Corpus | None) -> None:
            provenance = RunDirectory(tmp_path / "a").provenance
            provenance["sittings"][-1]["began"] = "9999"
            RunDirectory(tmp_path / "a").write_json("provenance.json", provenance)

        def go_on(directory: RunDirectory, *_: object) -> Run:
            resumed.append(directory.name)
            raise OctavoError("enough")

        monkeypatch.setattr("octavo.cli.train.check_unchanged", newest_is_another)
        monkeypatch.setattr("octavo.pipeline.train._train_and_examine", go_on)
        main(["train", "--resume", "--quiet", "--runs", str(tmp_path)])
        assert resumed == ["b"]
        assert capsys.readouterr().err.count(str(tmp_path / "damaged")) == 1

    def test_what_lacks_the_examination_alone_comes_last(self, by_epochs: Run, tmp_path: Path) -> None:
        for name in ("examine", "score", "train"):
            run = RunDirectory(tmp_path / name)
            shutil.copytree(by_epochs.path, run.path)
            (run.path / "samples.txt").unlink()
        (tmp_path / "score" / "evaluation.json").unlink()
        metrics = tmp_path / "train" / "metrics.jsonl"
        metrics.write_bytes(b"".join(metrics.read_bytes().splitlines(keepends=True)[:-1]))
        provenance = run.provenance
        began = datetime.fromisoformat(provenance["sittings"][-1]["began"])
        for seconds, name in enumerate(("train", "score", "examine")):
            provenance["sittings"][-1]["began"] = (began + timedelta(seconds=seconds)).isoformat()
            RunDirectory(tmp_path / name).write_json("provenance.json", provenance)
        for name in ("score", "train", "examine"):
            assert run_to_resume(tmp_path, None).name == name
            shutil.rmtree(tmp_path / name)

    def test_removes_what_dead_processes_left_in_the_run(self, by_epochs: Run, tmp_path: Path) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        left = [tmp_path / "a" / ".metrics.jsonl.01234567", tmp_path / "a" / "curves" / ".steps.png.01234567"]
        for path in left:
            path.write_text("half")
            os.utime(path, (1000, 1000))
        train(resume=True, name="a", runs=tmp_path, progress=False, brief=True)
        assert not any(path.exists() for path in left)

    def test_refuses_what_is_not_what_was_begun(self, by_epochs: Run) -> None:
        def resume(text: Any = None, **options: Any) -> None:
            train(text, resume=True, name="epochs", runs=by_epochs.path.parent, progress=False, **options)

        with pytest.raises(OctavoError, match=r"was begun with another train\.seed"):
            resume(seed=7)
        with pytest.raises(OctavoError, match="give a larger budget"):
            resume(steps=1)
        with pytest.raises(OctavoError, match=r"was begun with another text"):
            resume(Corpus.from_text("another text"))
        with pytest.raises(OctavoError, match=r"was begun with another text, or with documents='file'"):
            resume(Corpus("c", (Document("a", "x"), Document("b", "y")), document_unit="separator:|"))

    def test_a_run_that_another_process_trains_is_refused(self, by_epochs: Run) -> None:
        before = (by_epochs.path / "metrics.jsonl").read_bytes()
        with locked(by_epochs.directory), pytest.raises(OctavoError, match="another process is training epochs"):
            train(resume=True, name="epochs", runs=by_epochs.path.parent, progress=False)
        assert (by_epochs.path / "metrics.jsonl").read_bytes() == before

    def test_without_an_unfinished_run_is_refused(self, by_epochs: Run, by_steps: Run, tmp_path: Path) -> None:
        with pytest.raises(OctavoError, match="no unfinished run"):
            train(resume=True, runs=tmp_path, progress=False)
        with pytest.raises(OctavoError, match="no unfinished run"):
            train(resume=True, runs=by_epochs.path.parent, progress=False)
        with pytest.raises(OctavoError, match="there is no run nobody"):
            train(resume=True, name="nobody", runs=tmp_path, progress=False)


class TestTheFolder:
    def test_explains_itself_and_holds_nothing_that_is_pickled(self, by_steps: Run) -> None:
        files = {str(p.relative_to(by_steps.path)) for p in by_steps.path.rglob("*") if p.is_file()}
        assert {"config.toml", "provenance.json", "tokenizer.json", "metrics.jsonl", "evaluation.json"} <= files
        assert {"samples.txt", "data/train.npy", "data/train.txt", "data/validation.npy"} <= files
        assert {f"curves/{x}.{kind}" for x in ("steps", "epochs", "seconds") for kind in ("png", "svg")} <= files
        suffixes = {Path(name).suffix for name in files - {".lock"}}
        assert suffixes == {".toml", ".json", ".jsonl", ".txt", ".npy", ".safetensors", ".png", ".svg", ".html"}
        assert [name for name in files if Path(name).name.startswith(".")] == [".lock"]
        assert (by_steps.path / ".lock").read_bytes() == b""
        for array in by_steps.path.rglob("*.npy"):
            np.load(array, allow_pickle=False)
        names = sorted(path.name for path in (by_steps.path / "checkpoints").iterdir())
        assert names == ["before-decay", "step-00000108", "step-00000110"]

    def test_says_where_it_comes_from(self, by_steps: Run, text: Path) -> None:
        provenance = by_steps.directory.provenance
        assert provenance["text"]["characters"] == 20_000
        assert provenance["text"]["first_documents"] == provenance["text"]["sources"] == [str(text)]
        assert provenance["text"]["encoding"] == "utf-8"
        assert provenance["parameters"] == by_steps.model.n_parameters()
        assert provenance["precision"]["name"] == "fp32"
        assert len(provenance["sittings"]) == 1
        assert by_steps.config.train.steps == 110

    def test_of_very_many_sources_it_names_the_first_and_can_be_read(
        self, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / ("x" * 200)
        folder.mkdir()
        paths = [folder / f"{number:05}.txt" for number in range(6000)]
        for path in paths:
            path.write_text("To be, or not")
        monkeypatch.setattr(sys, "argv", ["octavo", "train", *map(str, paths)])
        run = train(paths, name="a", steps=2, overrides=tiny, runs=tmp_path, progress=False, brief=True)
        text, (sitting,) = run.directory.provenance["text"], run.directory.provenance["sittings"]
        assert text["sources"] == list(map(str, paths[: len(text["sources"])]))
        assert sitting["command"] == ["train", *text["sources"]][: len(sitting["command"])]
        assert 10 < len(sitting["command"]) <= 100
        assert (text["source_count"], sitting["arguments"], text["documents"]) == (6000, 6001, 6000)
        assert "6,000 documents" in recipe(run.config, run.directory.provenance, run.path).notes[0]

    def test_metrics_have_what_the_issue_asks_for(self, by_steps: Run) -> None:
        steps = [e for e in by_steps.metrics if e["event"] == "step"]
        wanted = {"step", "loss", "learning_rate", "tokens_per_second", "steps_per_second", "seconds", "epoch"}
        assert all(wanted <= set(e) for e in steps)
        assert steps[-1]["loss"] < steps[0]["loss"] - 1
        assert [e["event"] for e in by_steps.metrics][-2:] == ["checkpoint", "end"]
        samples = [e for e in by_steps.metrics if e["event"] == "sample"]
        assert [e["step"] for e in samples] == [50, 100]
        assert all(e["text"] for e in samples)

    def test_the_evaluation_has_what_the_issue_asks_for(self, by_steps: Run) -> None:
        top = by_steps.directory.read_json("evaluation.json")
        wanted = {"nats_per_token", "nats_per_character", "bits_per_character", "bits_per_byte", "characters"}
        assert wanted | {"tokens", "stride", "protocol", "all"} <= set(top)
        assert (top["characters"], top["stride"], top["protocol"]) == (2_000, 16, "sliding")
        assert not top["selected_on_this_text"], "it was selected on a slice of the training part"

    def test_three_samples_are_written(self, by_steps: Run) -> None:
        written = (by_steps.path / "samples.txt").read_text()
        assert [f"--- sample {i} ---" in written for i in (1, 2, 3)] == [True] * 3
        assert len(written) > 600


class TestNeverOverwritten:
    def test_a_second_run_of_a_text_gets_a_number(self, text: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "scene").mkdir()
        assert train(text, steps=1, overrides=tiny, runs=tmp_path, progress=False, brief=True).name == "scene-2"
        assert sorted(os.listdir(tmp_path)) == ["scene", "scene-2"]
        assert os.listdir(tmp_path / "scene") == []

    def test_of_two_processes_at_the_same_moment_the_second_gets_a_number_too(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planned = make_plan

        def slower(*given: Any, **options: Any) -> Any:
            plan = planned(*given, **options)
            (tmp_path / plan.name).mkdir()
            (tmp_path / plan.name / "config.toml").touch()  # another process was quicker
            return plan

        monkeypatch.setattr("octavo.pipeline.train.make_plan", slower)
        assert train(text, steps=1, overrides=tiny, runs=tmp_path, progress=False, brief=True).name == "scene-2"
        with pytest.raises(OctavoError, match="mine exists already"):
            train(text, steps=1, name="mine", overrides=tiny, runs=tmp_path, progress=False, brief=True)

    def test_a_name_that_exists_is_refused(self, text: Path, tiny: dict[str, Any], by_steps: Run) -> None:
        with pytest.raises(OctavoError, match=r"steps exists already: resume it"):
            train(text, steps=1, name="steps", overrides=tiny, runs=text.parent, progress=False)


class TestRunningAway:
    WILD: ClassVar[dict[str, Any]] = {
        "optimizer.kind": "adamw",
        "optimizer.learning_rate": 10.0,
        "optimizer.clip_norm": 0.0,
        "schedule.kind": "constant",
        "train.checkpoint_every": 20,
    }

    def test_stops_with_a_sentence_and_the_last_checkpoint_loads(
        self, text: Path, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        given = [str(text), "--quiet", "--steps", "300", "--runs", str(tmp_path), *settings(tiny | self.WILD)]
        assert main(["train", *given]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "the loss" in said
        assert "lower optimizer.learning_rate" in said
        run = load(tmp_path / "scene")
        assert run.checkpoint in said
        assert run.generate("a", max_new_tokens=3)
        with pytest.raises(OctavoError, match="has no score yet"):
            _ = run.evaluation

    def test_poisoned_weights_are_noticed(self, by_epochs: Run, tmp_path: Path) -> None:
        shutil.copytree(by_epochs.path, tmp_path / "a")
        place = tmp_path / "a" / "checkpoints"
        (tmp_path / "a" / "metrics.jsonl").write_bytes(b"")
        checkpoint = load_newest(place)[1]
        poisoned = checkpoint.tensors["weights"]["embedding.weight"]
        poisoned[3], poisoned[4] = 3e38, -3e38  # finite, but the logit of one of them is not
        checkpoint.state.update(step=checkpoint.state["step"] - 1, metrics_bytes=0)
        shutil.rmtree(place)
        save_checkpoint(place, checkpoint, keep=1)
        with pytest.raises(DivergenceError, match=r"step \d+: the loss became nan"):
            train(resume=True, name="a", runs=tmp_path, progress=False)


def test_early_stopping_on_the_held_out_part_says_so(text: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    overrides = tiny | {
        "train.patience": 1,
        "train.validate_every": 5,
        "train.select_on": "validation",
        "train.validation_windows": 0,
        "optimizer.learning_rate": 0.05,
        "schedule.kind": "constant",
    }
    run = train(text, steps=3000, overrides=overrides, runs=tmp_path, progress=False, brief=True)
    assert run.metrics[-1]["reason"] == "patience"
    assert run.evaluation.selected_on_this_text
    assert not run.evaluate(split="train").selected_on_this_text
    seen = [e for e in run.metrics if e["event"] == "validation"]
    assert {e["part"] for e in seen} == {"validation"}
    assert min(e["loss"] for e in seen) < seen[-1]["loss"]
    # the weights of the best look are those that are used: a window at a time they give that loss again
    assert run.evaluate(stride=32).nats_per_token == pytest.approx(min(e["loss"] for e in seen), abs=0.1)


class TestOddTexts:
    @pytest.mark.parametrize(
        ("content", "overrides"),
        [
            (b"To be, or not to be, that is the question: " * 60, {}),
            (b" \n" * 3000, {"tokenizer.kind": "characters"}),
            ("日本語😀\r\n".encode() * 300, {"tokenizer.vocab_size": 257}),
        ],
        ids=["one line", "white space", "emoji and CRLF"],
    )
    def test_train_and_are_scored(
        self, tmp_path: Path, tiny: dict[str, Any], content: bytes, overrides: dict[str, Any]
    ) -> None:
        (tmp_path / "odd.txt").write_bytes(content)
        run = train(tmp_path / "odd.txt", steps=3, overrides=tiny | overrides, runs=tmp_path, progress=False)
        score = run.evaluation
        held_out = run.splits["validation"].text
        assert (score.characters, score.bytes) == (len(held_out), len(held_out.encode()))
        assert (run.splits["train"].text + held_out).encode() == content

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty.txt").write_bytes(b"")
        with pytest.raises(OctavoError, match=r"empty\.txt is empty"):
            train(tmp_path / "empty.txt", steps=1, runs=tmp_path / "runs", progress=False)
        assert not (tmp_path / "runs").exists()

    def test_the_reference_with_its_lossy_tokenizer(self, tmp_path: Path, text: Path) -> None:
        overrides = {
            "model.d_model": 32,
            "model.d_ff": 32,
            "data.context_length": 16,
            "tokenizer.vocab_size": 200,
            "train.validate_every": -1,
            "train.sample_every": 4,
        }
        run = train(text, preset="reference", steps=8, overrides=overrides, runs=tmp_path, progress=False)
        assert not run.evaluation.lossless_tokenizer
        assert run.evaluation.tokens == len(run.splits["validation"].ids)
        assert len(run.splits["validation"].ids) == pytest.approx(0.2 * len(run.splits["train"].ids) / 0.8, abs=2)
        with pytest.raises(OctavoError, match="give a prompt that is not empty"):
            run.generate("")
        assert run.generate("First Citizen", max_new_tokens=5)
        with pytest.raises(OctavoError, match="use the sliding protocol"):
            run.evaluate(protocol="disjoint")
