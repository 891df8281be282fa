"""octavo verify: what is whole, and in one line each what is not."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load, save

from octavo.cli.main import main
from octavo.pipeline.run import Run
from octavo.pipeline.verify import verify
from octavo.pipeline.verify_scores import TOLERANCE
from octavo.runs.checkpoint_files import manifest
from octavo.runs.completion import record_examination

Harm = Callable[[Path], None]
STATES: list[Any] = [[], {}, {"step": None}, {"step": "80"}, {"step": 80}, {"step": 80, "metrics_bytes": "0"}]
NEWEST = "checkpoints/step-00000080"
WEIGHTS = "checkpoints/step-00000080/weights.safetensors"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, str], str]:
    """Exit code, what is said of each thing, and what is said of errors."""
    code = main(["verify", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, {line[:26].strip(): line[26:].strip() for line in out.splitlines()}, err


def changed(name: str, change: Callable[[Any], Any]) -> Harm:
    """Another value in a JSON file."""

    def harm(run: Path) -> None:
        (run / name).write_text(json.dumps(change(json.loads((run / name).read_text()))))

    return harm


def replaced(name: str, old: bytes, new: bytes) -> Harm:
    def harm(run: Path) -> None:
        content = (run / name).read_bytes()
        assert old in content
        (run / name).write_bytes(content.replace(old, new, 1))

    return harm


def forged(change: Callable[[dict[str, Any]], None]) -> Harm:
    """Other weights, with the hashes that belong to them."""

    def harm(run: Path) -> None:
        folder = (run / WEIGHTS).parent
        weights = dict(load((run / WEIGHTS).read_bytes()))
        change(weights)
        (run / WEIGHTS).write_bytes(save(weights))
        whole = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
        (folder / "manifest.json").write_bytes(manifest(whole))

    return harm


def changed_state(state: object) -> Harm:
    """Another state, with the hash that belongs to it."""

    def harm(run: Path) -> None:
        (run / NEWEST / "state.json").write_text(json.dumps(state))
        forged(lambda weights: None)(run)

    return harm


def cut_metrics(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join(lines[:3]))


def with_pipe(run: Path) -> None:
    os.mkfifo(run / "pipe")


def nested(run: Path) -> None:
    (run / "/".join("a" * 40)).mkdir(parents=True)


def linked(run: Path) -> None:
    (run / "samples.txt").unlink()
    (run / "samples.txt").symlink_to("/etc/hostname")


def ids(change: Callable[[Any], None]) -> Harm:
    def harm(run: Path) -> None:
        array = np.load(run / "data" / "validation.npy")
        change(array)
        np.save(run / "data" / "validation.npy", array)
        changed("data/parts.json", lambda parts: parts | {"validation": parts["validation"] | {"ids_sha256": ""}})(
            run
        )

    return harm


def test_a_run_that_is_whole_is_ok_in_every_part(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}
    code, parts, err = told(capsys, trained.path)
    assert (code, err) == (0, "")
    assert set(parts.values()) == {"ok"}
    assert list(parts) == [
        *("files", "config.toml", "provenance.json", "tokenizer.json", "data/train", "data/validation"),
        *("checkpoints/before-decay", "checkpoints/step-00000040", NEWEST, "metrics.jsonl", "evaluation.json"),
        *("baselines.json", "memorisation.json", "diagnosis.json", "samples.txt", "samples.json"),
    ]
    assert before == {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("harm", "part", "says"),
    [
        (with_pipe, "files", "pipe is not a plain file: remove it"),
        (linked, "files", "samples.txt is a link out of the run's folder"),
        (linked, "samples.txt", "is a link out of the run's folder"),
        (replaced("config.toml", b"d_ff = 64", b"d_ff = 65"), "config.toml", "not the one that the run began with"),
        (replaced("config.toml", b"d_ff = 64", b"d_ff = 0"), "config.toml", "model.d_ff=0 is out of range"),
        (
            replaced("config.toml", b"d_ff = 64", b"d_ff = 65"),
            NEWEST,
            "config.toml",
        ),
        (
            changed("provenance.json", lambda p: p | {"parameters": ""}),
            "provenance.json",
            "its parameters is not",
        ),
        (changed("provenance.json", lambda p: p | {"tokenizer": "0"}), "tokenizer.json", "not the one that the run"),
        (replaced("data/train.txt", b"First", b"Fist!"), "data/train", "not the text that was trained on"),
        (ids(lambda array: array.__setitem__(7, 600)), "data/validation", "has ids beyond the vocabulary"),
        (ids(lambda array: array.__setitem__(7, array[7] + 1)), "data/validation", "not those of its text"),
        (replaced("data/parts.json", b"36000", b"36001"), "data/train", "36,001"),
        (
            changed("data/parts.json", lambda p: p | {"train": p["train"] | {"bytes": p["train"]["bytes"] + 1}}),
            "data/train",
            "bytes, where parts.json says",
        ),
        (ids(lambda array: array.__setitem__(7, 0)), "data/validation", "not those of its text"),
        (nested, "files", "32 deep"),
        (replaced(WEIGHTS, b"\0\0", b"\0\1"), NEWEST, "weights.safetensors differs"),
        (forged(lambda w: w.update(more=w["final_norm.weight"])), NEWEST, "config.toml"),
        (
            forged(lambda w: w.update({"final_norm.weight": w["final_norm.weight"] * math.nan})),
            NEWEST,
            "final_norm.weight",
        ),
        (
            forged(lambda w: w.update({"final_norm.weight": w["final_norm.weight"] + 1e9})),
            NEWEST,
            "weights.safetensors has a weight of 1e+09",
        ),
        (
            forged(lambda w: w.update({"final_norm.weight": w["final_norm.weight"].astype(np.float16)})),
            NEWEST,
            "numbers that are not fp32",
        ),
        *((changed_state(change), NEWEST, "state.json") for change in STATES),
        (cut_metrics, NEWEST, "metrics.jsonl has lost lines that belong to it"),
        (replaced("metrics.jsonl", b'"step": 10', b'"step": 70'), "metrics.jsonl", "goes back in step"),
        (replaced("metrics.jsonl", b'"event": "step"', b'"event": "end"'), "metrics.jsonl", "line 1 is the end"),
        (replaced("metrics.jsonl", b'"loss"', b'"lass"'), "metrics.jsonl", "line 1 has no loss"),
        (replaced("metrics.jsonl", b"{", b"["), "metrics.jsonl", "line 1 is not a JSON object"),
        (replaced("evaluation.json", b'"all"', b'"ill"'), "evaluation.json", "is damaged"),
        (
            changed("evaluation.json", lambda e: e | {"nats_per_character": 0.1}),
            "evaluation.json",
            "the score at its top",
        ),
        (
            changed("evaluation.json", lambda e: {"all": [e["all"][0] | {"bits_per_character": 1.0}]}),
            "evaluation.json",
            "the bits_per_character of a score does not follow",
        ),
        (
            changed("evaluation.json", lambda e: {"all": [e["all"][0] | {"checkpoint": "step-00000081"}]}),
            "evaluation.json",
            "'step-00000081'",
        ),
        (
            changed("evaluation.json", lambda e: {"all": [e["all"][0] | {"sha256": "0"}]}),
            "evaluation.json",
            "a score is of another validation text than the run's",
        ),
        (replaced("baselines.json", b'"texts"', b'"test"'), "baselines.json", "texts"),
        (changed("baselines.json", lambda b: b | {"texts": []}), "baselines.json", "its texts is not what it should"),
        (changed("baselines.json", lambda b: b | {"texts": {"a": []}}), "baselines.json", "not a JSON object"),
        (
            changed("baselines.json", lambda b: b | {"texts": {"a": {"baselines": [3]}}}),
            "baselines.json",
            "its baselines is not what it should be",
        ),
        (
            changed("baselines.json", lambda b: b | {"texts": {"a": {"baselines": [{"nats_per_character": "x"}]}}}),
            "baselines.json",
            "its baselines.nats_per_character is not what it should be",
        ),
        (
            changed("evaluation.json", lambda e: {"all": [e["all"][0] | {"checkpoint": "step-9"}]}),
            "evaluation.json",
            "'step-9'",
        ),
        (replaced("memorisation.json", b"step-00000080", b"step-00000800"), "memorisation.json", "step-00000800"),
        (replaced("diagnosis.json", b"{", b"[["), "diagnosis.json", "is not a JSON object"),
        (lambda run: (run / "samples.txt").write_bytes(b"\xff") and None, "samples.txt", "UTF-8"),
    ],
)
def test_what_is_wrong_is_said_in_its_line(
    copied: Run, capsys: pytest.CaptureFixture[str], harm: Harm, part: str, says: str
) -> None:
    harm(copied.path)
    code, parts, err = told(capsys, copied.path)
    assert code == 2
    assert err == f"octavo: verification failed for {copied.path}: see the lines above\n"
    assert parts[part].startswith("FAILED: ")
    assert says in parts[part]


@pytest.mark.parametrize("error", [AttributeError, TypeError, IndexError, ZeroDivisionError, RuntimeError])
def test_a_mistake_of_a_look_is_not_taken_for_damage(
    trained: Run, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def raising(run: object) -> None:
        raise error("of its own")

    monkeypatch.setattr("octavo.pipeline.verify_scores.standard_score", raising)
    with pytest.raises(error, match="of its own"):
        list(verify(trained.directory))


@pytest.mark.parametrize("error", [KeyError, MemoryError, SafetensorError])
def test_whatever_a_parser_raises_is_said_in_its_line(
    trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def raising(run: object) -> None:
        raise error("of somebody\nelse")

    monkeypatch.setattr("octavo.pipeline.verify_scores.standard_score", raising)
    code, parts, _ = told(capsys, trained.path, "--full")
    assert code == 2
    assert parts["recomputed score"].startswith(f"FAILED: {error.__name__}: ")
    assert parts["samples.txt"] == "ok"


def test_notes_say_what_is_not_as_usual(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    copied.evaluate(split="train")
    changed("evaluation.json", lambda e: {**e["all"][-1], "all": e["all"]})(copied.path)  # of an earlier version
    record_examination(copied.directory, {"curves": "There are none."})
    code, parts, _ = told(capsys, copied.path)
    assert code == 0
    assert "the score at its top" in parts["evaluation.json"]
    assert "no curves: There are none." in parts["examination.json"]


def test_of_several_runs_there_is_a_line_each_at_the_end(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bad = copied.path.with_name("bad")
    shutil.copytree(copied.path, bad)
    (bad / "provenance.json").write_text("{}")
    assert main(["verify", str(bad), copied.name, "--runs", str(copied.path.parent)]) == 2
    out, err = capsys.readouterr()
    summary = out.rpartition("\n\n")[2].splitlines()
    assert summary[0].startswith(f"{bad}: ")
    assert summary[0].endswith("of its checks failed")
    assert summary[1] == f"{copied.path}: ok"
    assert f"verification failed for {bad}:" in err
    assert str(copied.path) + "," not in err


def test_for_a_machine(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (copied.path / "diagnosis.json").write_text("[]")
    assert main(["verify", str(copied.path), "--json"]) == 2
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["run"], one["ok"]) == (str(copied.path), False)
    wrong = {check["what"]: check["wrong"] for check in one["checks"] if check["wrong"]}
    assert list(wrong) == ["diagnosis.json"]


def test_a_name_that_is_no_run_is_refused_before_the_work(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(trained.path), "nowhere", "--runs", str(trained.path.parent)]) == 2
    out, err = capsys.readouterr()
    assert (out, err[:33]) == ("", "octavo: there is no run nowhere: ")


class TestFull:
    def test_the_score_is_computed_anew(self, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        code, parts, _ = told(capsys, trained.path, "--full")
        assert code == 0
        assert f"{trained.evaluation.nats_per_character:.6f} nats per character" in parts["recomputed score"]

    def test_weights_of_somebody_else_do_not_come_to_it(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Forged with all hashes: only the score tells."""
        forged(lambda w: w.update({"final_norm.weight": w["final_norm.weight"] * 1.05}))(copied.path)
        assert told(capsys, copied.path)[0] == 0
        code, parts, _ = told(capsys, copied.path, "--full")
        assert code == 2
        assert "nats per character, where evaluation.json says" in parts["recomputed score"]

    def test_a_score_that_is_too_good_is_known(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        def better(content: dict[str, Any]) -> dict[str, Any]:
            score = content["all"][0]
            factor = 1 - 3 * TOLERANCE / score["nats_per_character"]
            names = [name for name in score if name.startswith(("nats_", "bits_"))]
            return {"all": [score | {name: score[name] * factor for name in names}]}

        changed("evaluation.json", better)(copied.path)
        assert told(capsys, copied.path)[0] == 0
        assert told(capsys, copied.path, "--full")[0] == 2

    def test_a_run_without_a_score_has_nothing_to_compare(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (copied.path / "evaluation.json").unlink()
        code, parts, _ = told(capsys, copied.path, "--full")
        assert code == 0
        assert "no score" in parts["recomputed score"]


def test_of_a_damaged_newest_checkpoint_nothing_else_is_wrong(
    copied: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = bytearray((copied.path / WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (copied.path / WEIGHTS).write_bytes(weights)
    code, lines, _ = told(capsys, copied.path)
    assert code == 2
    assert [what for what, said in lines.items() if said.startswith("FAILED")] == [NEWEST]


@pytest.mark.skipif(os.name != "posix", reason="a pipe whose reader is gone")
def test_whoever_reads_one_line_alone_learns_that_something_is_wrong(
    copied: Run, environment: dict[str, str]
) -> None:
    (copied.path / "samples.txt").write_bytes(b"\xff")
    command = [sys.executable, "-m", "octavo.cli.main", "verify", str(copied.path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 2
    assert said == f"octavo: verification failed for {copied.path}: see the lines above\n"
