"""The Python API: a run as a value."""

import math
import os
import shutil
import subprocess
import sys
import weakref
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import octavo
from octavo.config.inference import SamplingConfig, SamplingOptions
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.evaluate.comparison import caveats
from octavo.pipeline.run import Run
from octavo.runs.checkpoint import Checkpoint, load_newest

ISSUE = """
import octavo, sys
import octavo.training, octavo.pipeline.run, octavo.pipeline.train, octavo.reports.report
path, settings = sys.argv[1], {settings}
run = octavo.train(path, preset="pocket", steps=3, overrides=settings, progress=False)
print(run.evaluation.bits_per_character)
for chunk in run.generate("ROMEO:", temperature=0.8, max_new_tokens=8, stream=True):
    print(chunk, end="")
print()
run = octavo.load("runs/play")
assert callable(octavo.train) and callable(octavo.load), "importing a part hides no function"
print(run.model.n_parameters(), run.tokenizer.vocab_size, run.config.train.steps, len(run.metrics))
"""


def test_as_in_the_issue(play_file: Path, tiny: dict[str, Any], tmp_path: Path, environment: dict[str, str]) -> None:
    code = ISSUE.replace("{settings}", repr(tiny))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(play_file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert 1 < float(first) < 9
    assert last.split()[1:3] == ["512", "3"]
    assert os.listdir(tmp_path / "runs") == ["play"]


def test_octavo_shows_its_names() -> None:
    assert set(octavo.__all__) <= set(dir(octavo))
    for name in octavo.__all__:
        assert getattr(octavo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = octavo.trian


def test_generate_takes_every_option_of_sampling() -> None:
    assert SamplingOptions.__annotations__ == {field.name: field.type for field in fields(SamplingConfig)}


class TestLoading:
    def test_gives_what_training_gave(self, trained: Run) -> None:
        for run in (octavo.load(trained.path), octavo.load(trained.name, runs=trained.path.parent)):
            assert run.name == trained.name == "play"
            assert run.evaluation == trained.evaluation
            assert run.metrics == trained.metrics
            assert run.config == trained.config
            assert run.checkpoint == "step-00000080"
            assert run.generate("First", max_new_tokens=9) == trained.generate("First", max_new_tokens=9)
            assert repr(run) == f"Run({str(trained.path)!r})"

    def test_a_checkpoint_of_another_model_is_refused(self, copied: Run) -> None:
        config = (copied.path / "config.toml").read_text()
        (copied.path / "config.toml").write_text(config.replace("d_ff = 64", "d_ff = 60"))
        with pytest.raises(octavo.OctavoError, match=r"config\.toml"):
            octavo.load(copied.path).generate("x")

    def test_what_is_no_run_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(octavo.OctavoError, match=r"run.* x"):
            octavo.load("x", runs=tmp_path)


class TestEvaluating:
    def test_the_whole_held_out_part_is_scored(self, trained: Run, play: str) -> None:
        score, part = trained.evaluation, trained.splits["validation"]
        held_out = play[int(0.9 * len(play)) :]
        assert part.text == held_out
        assert (score.characters, score.bytes) == (len(held_out), len(held_out.encode()))
        assert score.tokens == len(part.ids) - 1  # without the start token
        assert (score.stride, score.context_length, score.checkpoint) == (16, 32, "step-00000080")
        assert 1 < score.bits_per_character < 5
        assert score.nats_per_character < score.nats_per_token
        assert not score.selected_on_this_text

    def test_documents_are_scored_each_from_its_beginning(self, copied: Run, tmp_path: Path, play: str) -> None:
        texts = {"a.txt": play[:300], "b.txt": "é😀" * 20, "c.txt": "x"}
        (tmp_path / "texts").mkdir()
        for name, text in texts.items():
            (tmp_path / "texts" / name).write_bytes(text.encode())
        together = copied.evaluate(tmp_path / "texts")
        alone = [copied.evaluate(Corpus.from_text(text)) for text in texts.values()]
        assert together.text == "texts"
        assert together.characters == sum(map(len, texts.values()))
        assert together.tokens == sum(score.tokens for score in alone)
        total = sum(score.nats_per_token * score.tokens for score in alone)
        assert together.nats_per_token * together.tokens == pytest.approx(total, rel=1e-6)

    def test_a_trained_model_knows_its_own_text_best(self, copied: Run) -> None:
        before = copied.evaluation
        nonsense = copied.evaluate(Corpus.from_text("qzxj vkwp " * 50, "validation"))
        assert nonsense.nats_per_character > before.nats_per_character + 1
        assert copied.evaluation == before, "another text of that name is not the held-out part"

    def test_the_stride_is_what_is_asked_for(self, copied: Run) -> None:
        scores = {stride: copied.evaluate(stride=stride).nats_per_token for stride in (4, 32)}
        assert scores[4] != scores[32]
        assert scores[4] == pytest.approx(scores[32], abs=0.2)
        with pytest.raises(octavo.OctavoError, match="33"):
            copied.evaluate(stride=33)

    def test_a_run_that_was_not_scored_says_so(self, copied: Run) -> None:
        (copied.path / "evaluation.json").unlink()
        with pytest.raises(octavo.OctavoError, match=r"play .*evaluate"):
            _ = copied.evaluation

    def test_a_part_that_is_not_there_is_refused(self, trained: Run) -> None:
        with pytest.raises(octavo.OctavoError, match=r"test.* train, validation"):
            trained.evaluate(split="test")


def test_an_untouched_test_part_can_be_scored(play_file: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    overrides = tiny | {"data.test": 0.2, "train.steps": 2, "train.minutes": 0}
    run = octavo.train(play_file, overrides=overrides, runs=tmp_path, progress=False)
    text = play_file.read_text()
    assert run.splits["test"].text == text[int(0.8 * len(text)) :]
    assert run.evaluate(split="test").characters == len(run.splits["test"].text)
    assert run.evaluation.text == "validation"


class TestBaselines:
    def test_score_the_same_characters_and_are_computed_once(
        self, copied: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (copied.path / "baselines.json").unlink(missing_ok=True)
        shares: list[float] = []
        found = copied.baselines(watch=shares.append)
        assert shares
        score = {baseline.kind: baseline for baseline in found}
        tokens = copied.evaluation.tokens
        chance = math.log(copied.tokenizer.vocab_size)
        assert score["uniform"].nats_per_token == pytest.approx(chance)
        assert score["uniform"].nats_per_character == pytest.approx(chance * tokens / 4_000)
        assert score["unigram"].nats_per_character > copied.evaluation.nats_per_character
        monkeypatch.setattr("octavo.evaluate.baseline_cache.fit_baselines", None)
        assert octavo.load(copied.path).baselines() == found

    def test_of_another_text(self, copied: Run, play_file: Path) -> None:
        found = copied.baselines(Corpus.from_text("Nay, good sir! " * 30))
        assert found != copied.baselines()
        assert copied.baselines(Corpus.from_text("Nay, good sir! " * 30, "another name")) == found
        assert copied.baselines(play_file)[0].kind == "uniform"

    def test_what_says_nothing_is_refused(self, copied: Run) -> None:
        with pytest.raises(octavo.OctavoError, match="training"):
            copied.baselines(split="train")
        with pytest.raises(octavo.OctavoError, match="test"):
            copied.baselines(split="test")


def test_a_run_that_trains_on_is_diagnosed_from_the_score_just_made(copied: Run) -> None:
    score = copied.evaluate()
    shutil.copytree(copied.path / "checkpoints" / copied.checkpoint, copied.path / "checkpoints" / "step-00000099")
    with pytest.raises(OctavoError, match="evaluate"):
        copied.diagnose()
    assert copied.diagnose(score) is not None
    assert copied.directory.read_json("diagnosis.json")["checkpoint"] == score.checkpoint


def test_a_run_holds_no_tensor_of_its_checkpoint_beside_its_model(
    copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[weakref.ref[Any]] = []

    def reads(*given: Any) -> tuple[Path, Checkpoint]:
        place, checkpoint = load_newest(*given)
        read.extend(weakref.ref(tensor) for group in checkpoint.tensors.values() for tensor in group.values())
        return place, checkpoint

    monkeypatch.setattr("octavo.runs.checkpoint.load_newest", reads)
    name = copied.checkpoint
    assert copied.model.n_parameters() > 0
    assert copied.checkpoint == name
    assert read
    assert not any(tensor() is not None for tensor in read)


def test_baselines_go_without_a_compressor_until_it_can_be_used(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Corpus.from_text(" ".join(str(n * n) for n in range(900, 1500)))  # nothing of it stands in the play
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "brotli", None)
        found = copied.baselines(text)
        score = copied.evaluate(text)
        assert copied.baselines(text) == found, "they are kept"
        assert any("brotli" in said for said in caveats(score, found, copied.overlap(text)))
    assert "brotli 11" not in {baseline.name for baseline in found}
    assert len(found) == 7
    computed = copied.baselines(text)
    assert {baseline.name for baseline in computed} - {baseline.name for baseline in found} == {"brotli 11"}
    assert not any("brotli" in said for said in caveats(score, computed, copied.overlap(text)))


def test_the_overlap_with_the_training_part(trained: Run, play: str, strange: Run) -> None:
    assert trained.overlap().fraction == 0
    assert trained.overlap(split="train").fraction == 1
    assert trained.overlap(Corpus.from_text(play[10_000:11_000] + "é" * 3_000)).fraction == 0.25
    assert strange.overlap().fraction == 1, "it says the same thing again and again"
