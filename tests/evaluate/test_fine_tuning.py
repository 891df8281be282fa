"""A fine-tuned run: where it starts, its four scores, and that it is the same after an interruption."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load as load_tensors

from octavo.cli.main import main
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.pipeline.verify import verify
from octavo.reports.recipe import recipe
from octavo.reports.report import report
from octavo.runs.metrics import read_metrics
from octavo.runs.parent import parent_weights
from octavo.training.signals import Interrupted

SETTINGS = {"tokenizer.dropout": 0}  # whose preparation asks for signals too
NEW = "The quick brown fox jumps over the lazy dog, and the dog sleeps on.\n"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another text than the parent's."""
    path = tmp_path_factory.mktemp("other") / "other.txt"
    lines = [f"{number}. {NEW[number % 60 :]}{NEW[: number % 60]}" for number in range(120)]
    path.write_bytes("".join(lines).encode())
    return path


@pytest.fixture(scope="module")
def child(trained: Run, other: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six steps on the other text, from the trained run."""
    folder = tmp_path_factory.mktemp("children")
    return train(other, start_from=trained, steps=6, overrides=SETTINGS, name="child", runs=folder, progress=False)


def weights_of(run: Run) -> bytes:
    return (run.path / "checkpoints" / run.checkpoint / "weights.safetensors").read_bytes()


def test_before_is_the_parents_own_evaluation_of_the_same_text(copied: Run, child: Run) -> None:
    result = child.fine_tuning
    assert result is not None
    held_out = Corpus.from_text(child.splits["validation"].text)
    assert result.before.bits_per_character == copied.evaluate(held_out).bits_per_character
    assert result.parent_text_before is not None
    assert result.parent_text_before.bits_per_character == copied.evaluation.bits_per_character
    assert result.before.sha256 == child.splits["validation"].facts.sha256
    assert result.parent_text_before.sha256 == copied.splits["validation"].facts.sha256


def test_after_is_the_runs_own_evaluation_of_both_texts(trained: Run, child: Run) -> None:
    result = child.fine_tuning
    assert result is not None
    assert result.parent_text_after is not None
    assert result.after == child.evaluation
    assert result.after.bits_per_character < result.before.bits_per_character
    parents = child.evaluate(Corpus.from_text(trained.splits["validation"].text))
    assert result.parent_text_after.bits_per_character == parents.bits_per_character


def test_it_has_the_tokenizer_the_sizes_and_at_first_the_weights_of_its_parent(trained: Run, child: Run) -> None:
    assert child.tokenizer.fingerprint == trained.tokenizer.fingerprint
    assert child.config.model == trained.config.model
    assert child.config.optimizer.learning_rate == pytest.approx(0.3 * trained.config.optimizer.learning_rate)
    expected = load_tensors(weights_of(trained))
    found = {name: tensor.numpy() for name, tensor in parent_weights(child.directory).items()}
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in found)


def test_provenance_identifies_the_parent_without_a_path(trained: Run, child: Run) -> None:
    parent = child.directory.provenance["parent"]
    manifest = json.loads((trained.path / "checkpoints" / trained.checkpoint / "manifest.json").read_bytes())
    assert parent["weights"] == manifest["files"]["weights.safetensors"]["sha256"]
    assert (parent["name"], parent["checkpoint"]) == (trained.name, trained.checkpoint)
    assert parent["text"]["sha256"] == trained.directory.provenance["text"]["sha256"]
    assert parent["tokenizer"] == trained.tokenizer.fingerprint
    assert parent["score"]["bits_per_character"] == trained.evaluation.bits_per_character
    assert str(trained.path) not in json.dumps(parent)
    assert parent["overlap"] == {"own_validation": 0.0, "parent_validation": 0.0}


def test_the_same_seed_gives_the_same_weights(trained: Run, other: Path, child: Run, tmp_path: Path) -> None:
    options: dict[str, Any] = {"start_from": trained, "steps": 6, "overrides": SETTINGS, "runs": tmp_path}
    again = train(other, progress=False, brief=True, **options)
    assert weights_of(again) == weights_of(child)
    another = train(other, seed=7, progress=False, brief=True, **options)
    assert weights_of(another) != weights_of(child)


@pytest.mark.parametrize("before_checkpoint", [True, False])
def test_an_interrupted_run_resumes_bit_for_bit(
    trained: Run, other: Path, child: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before_checkpoint: bool
) -> None:
    calls = iter(range(100))

    @contextmanager
    def signals() -> Iterator[Callable[[], int]]:
        yield lambda: signal.SIGTERM if next(calls) == 3 else 0

    options: dict[str, Any] = {"start_from": trained, "steps": 6, "overrides": SETTINGS, "runs": tmp_path}
    monkeypatch.setattr("octavo.pipeline.session.stop_signals", signals)
    with pytest.raises(Interrupted):
        train(other, name="child", progress=False, **options)
    run = load(tmp_path / "child")
    assert run.checkpoint == "step-00000004"
    if before_checkpoint:
        shutil.rmtree(run.path / "checkpoints")
    assert weights_of(train(resume=True, name="child", runs=tmp_path, progress=False)) == weights_of(child)


def test_early_stopping_and_averaging_start_at_the_parents_weights(trained: Run, other: Path, tmp_path: Path) -> None:
    still = {"optimizer.learning_rate": 0, "optimizer.matrix_learning_rate": 0, "train.average": 0.9}
    run = train(other, start_from=trained, steps=3, overrides=still, runs=tmp_path, progress=False, brief=True)
    result = run.fine_tuning
    assert result is not None
    assert result.after.bits_per_character == pytest.approx(result.before.bits_per_character, abs=1e-6)


def test_a_run_can_be_fine_tuned_twice(child: Run, other: Path, tmp_path: Path) -> None:
    run = train(other, start_from=child.path, runs=tmp_path, progress=False, brief=True)
    assert run.config.optimizer.learning_rate == child.config.optimizer.learning_rate
    assert run.config.train.steps == child.config.train.steps
    assert run.fine_tuning is not None
    assert run.fine_tuning.parent == "child"
    assert run.directory.provenance["parent"]["overlap"]["own_validation"] > 0.5  # it is the same text


def test_overlapping_texts_are_stated(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "same.txt").write_text(trained.splits["train"].text[:20_000], encoding="utf-8")
    arguments = ["train", str(tmp_path / "same.txt"), "--from", str(trained.path), "--runs", str(tmp_path)]
    assert main([*arguments, "--dry-run", "--quiet"]) == 0
    assert "100 % of the new validation split" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["characters", "whitespace-bpe"])
def test_unknown_characters_are_counted(kind: str, tiny: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_bytes(b"abc abd dab cab bad\n" * 300)
    (tmp_path / "odd.txt").write_bytes("abé dab ca€ bad\n".encode() * 300)
    overrides = tiny | {"tokenizer.kind": kind}
    options: dict[str, Any] = {"runs": tmp_path, "progress": False, "brief": True}
    parent = train(tmp_path / "plain.txt", steps=2, overrides=overrides, **options)
    from octavo.config.overrides import Request
    from octavo.corpus import read_corpus
    from octavo.runs.parent import parent_to_fine_tune

    found = parent_to_fine_tune(parent, tmp_path, Request())
    lines = found.vocabulary_lines(read_corpus(tmp_path / "odd.txt"))
    assert any(line.startswith("2 of ") for line in lines)
    run = train(tmp_path / "odd.txt", start_from=parent, steps=2, **options)
    assert not [check for check in verify(run.directory) if check.wrong]


def test_verify_accepts_it_and_finds_damage(child: Run, tmp_path: Path) -> None:
    checks = {check.what: check.wrong for check in verify(child.directory, full=True)}
    assert not any(checks.values())
    assert {"parent", "fine-tuning.json", "recomputed fine-tuning"} <= checks.keys()
    copy = Path(shutil.copytree(child.path, tmp_path / "copy"))
    content = bytearray((copy / "parent" / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "parent" / "weights.safetensors").write_bytes(content)
    scores = json.loads((copy / "fine-tuning.json").read_bytes())
    scores["before"]["bits_per_character"] /= 2
    (copy / "fine-tuning.json").write_text(json.dumps(scores))
    wrong = {check.what for check in verify(load(copy).directory, full=True) if check.wrong}
    assert wrong == {"parent", "fine-tuning.json", "recomputed fine-tuning"}


def test_documents_keep_their_ends(tiny: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"".join(b"name %d\n" % (number * 7919) for number in range(900)))
    (tmp_path / "more.txt").write_bytes(b"".join(b"noun %d\n" % (number * 6007) for number in range(900)))
    options: dict[str, Any] = {"documents": "lines", "runs": tmp_path, "progress": False, "brief": True}
    parent = train(tmp_path / "names.txt", steps=3, overrides=tiny, **options)
    run = train(tmp_path / "more.txt", start_from=parent, steps=2, **options)
    assert run.fine_tuning is not None
    assert run.fine_tuning.parent_text_before is not None
    assert run.fine_tuning.parent_text_before.document_ends == parent.evaluation.document_ends > 0
    assert run.fine_tuning.parent_text_before.bits_per_character == parent.evaluation.bits_per_character
    assert not [check for check in verify(run.directory, full=True) if check.wrong]


def test_an_extended_run_is_measured_again(child: Run, tmp_path: Path) -> None:
    shutil.copytree(child.path, tmp_path / "child")
    run = train(resume=True, name="child", steps=12, runs=tmp_path, progress=False)
    assert run.fine_tuning is not None
    assert child.fine_tuning is not None
    assert run.fine_tuning.checkpoint == "step-00000012"
    assert run.fine_tuning.before.bits_per_character == child.fine_tuning.before.bits_per_character
    assert run.fine_tuning.after == run.evaluation != child.evaluation


def test_report_and_recipe_name_the_parent(trained: Run, child: Run) -> None:
    command = recipe(child.config, child.directory.provenance, child.path).command
    assert f"--from {trained.name}" in command
    assert "--steps 6" in command
    assert "model." not in command
    assert "learning_rate" not in command
    assert child.fine_tuning is not None
    page = report(child).html
    assert f"{child.fine_tuning.before.bits_per_character:.4f}" in page
    assert f"fine-tuned from {trained.name}" in page


class TestRefusals:
    """One sentence, and nothing written."""

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"preset": "pocket"}, "preset"),
            ({"overrides": {"model.n_layers": 2}}, "model.n_layers"),
            ({"resume": True}, "resume"),
        ],
    )
    def test_of_options(self, trained: Run, other: Path, tmp_path: Path, options: dict[str, Any], says: str) -> None:
        with pytest.raises(OctavoError, match=says):
            train(other, start_from=trained, runs=tmp_path, progress=False, **options)
        assert not list(tmp_path.iterdir())

    def test_of_an_unknown_run(self, other: Path, tmp_path: Path) -> None:
        with pytest.raises(OctavoError, match="there is no run nobody"):
            train(other, start_from="nobody", runs=tmp_path, progress=False)

    def test_of_an_unfinished_run(self, copied: Run, other: Path, tmp_path: Path) -> None:
        lines = (copied.path / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (copied.path / "metrics.jsonl").write_bytes(b"".join(lines[:-1]))
        assert read_metrics(copied.path / "metrics.jsonl")[-1]["event"] != "end"
        with pytest.raises(OctavoError, match="not trained to its end"):
            train(other, start_from=copied, runs=tmp_path / "runs", progress=False)
        assert not (tmp_path / "runs").exists()

    @pytest.mark.parametrize("name", ["tokenizer.json", "checkpoints", "config.toml", "data/parts.json"])
    def test_of_a_damaged_run(
        self, copied: Run, other: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = (copied.path / name).rglob("weights.safetensors") if name == "checkpoints" else [copied.path / name]
        for file in files:
            file.write_bytes(b"damaged")
        arguments = ["train", str(other), "--from", str(copied.path), "--runs", str(tmp_path / "runs")]
        assert main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / "runs").exists()

    def test_from_with_resume(self, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["train", "--resume", "--from", str(trained.path), "--runs", str(tmp_path)]) == 2
        assert "--from" in capsys.readouterr().err
