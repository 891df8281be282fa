"""octavo evaluate: one table with the model among simpler ones, and every reservation in words."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from octavo.cli.main import main
from octavo.evaluate.comparison import NOT_COMPARABLE
from octavo.pipeline.run import Run
from octavo.pipeline.train import train

MODEL = "> this model"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["evaluate", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def rows(out: str) -> dict[str, list[str]]:
    """The table: its numbers by name, in order."""
    found = re.findall(r"^([> ] \S.*?) {2,}(\d.*)$", out, re.MULTILINE)
    return {name.strip("> "): numbers.split() for name, numbers in found}


def test_the_model_stands_among_simpler_ones_from_worst_to_best(
    copied: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, copied.path)
    table = rows(out)
    assert out.count(MODEL) == 1
    score = copied.evaluation
    assert table["this model"][:3] == [
        f"{number:.4f}" for number in (score.bits_per_character, score.nats_per_character, score.nats_per_token)
    ]
    assert {"uniform over 512 tokens", "unigram of tokens", "bigram of tokens", "this model"} <= set(table)
    assert {"xz -9e", "zstd 22", "brotli 11", "PPMd order 6"} <= set(table)
    assert any(name.startswith("Kneser-Ney order") for name in table)
    values = [float(numbers[0]) for numbers in table.values()]
    assert values == sorted(values, reverse=True)
    for baseline in copied.baselines():
        assert f"{baseline.bits_per_character:.4f}" in table[baseline.name]
    assert "baselines.json" in out
    assert "standard error" in out
    assert f"perplexity      {score.perplexity_per_token:.2f} per token" in out
    assert max(map(len, out.replace(str(copied.path), "").splitlines())) <= 82


def test_the_time_is_that_of_learning_and_scoring(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = float(rows(told(capsys, copied.path, "--no-baselines"))["this model"][3])
    assert seconds == pytest.approx(copied.metrics[-1]["seconds"], abs=2)


def test_the_model_alone(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "--no-baselines")
    assert list(rows(out)) == ["this model"]
    assert "baseline" not in out


def test_there_are_no_baselines_on_the_text_they_learn_from(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "--split", "train")
    assert list(rows(out)) == ["this model"]
    assert "the baselines are left out" in out


def test_a_text_that_the_training_part_holds_is_told(
    copied: Run, play: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mixed.txt").write_bytes((play[5_000:6_500] + "Something else. " * 31).encode())
    out = " ".join(told(capsys, copied.path, tmp_path / "mixed.txt").split())
    assert "75% of this text" in out
    assert "64 characters or more" in out
    (tmp_path / "new.txt").write_bytes(b"Nothing of this was ever there. " * 9)
    assert "verbatim" not in told(capsys, copied.path, tmp_path / "new.txt")


def test_a_damaged_file_of_baselines_is_made_anew(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    good = rows(told(capsys, copied.path))
    (copied.path / "baselines.json").write_text('{"version": 1, "texts": [')
    again = rows(told(capsys, copied.path))
    assert {name: numbers[:2] for name, numbers in again.items()} == {n: g[:2] for n, g in good.items()}


def test_where_tokens_lose_text_they_compare_with_each_other_alone(
    play_file: Path, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tiny | {"tokenizer.kind": "whitespace-bpe", "tokenizer.vocab_size": 300}
    run = train(play_file, steps=3, overrides=settings, runs=tmp_path, progress=False, brief=True)
    out = told(capsys, run.path)
    tokens, text = out.split(NOT_COMPARABLE)
    assert {"uniform over 300 tokens", "unigram of tokens", "bigram of tokens", "this model"} <= set(rows(tokens))
    assert {"xz -9e", "PPMd order 6"} <= set(rows(text))
    assert "this model" not in rows(text)


def test_of_a_very_short_text(copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.txt").write_text("Hi")
    out = told(capsys, copied.path, tmp_path / "short.txt")
    assert "standard error  none: the text is too short for one" in out
    assert "a rough figure" in out


def test_a_checkpoint_that_comes_meanwhile_does_not_matter(
    copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run.evaluate

    def while_it_trains(run: Run, *arguments: Any, **options: Any) -> Any:
        score = whole(run, *arguments, **options)
        shutil.copytree(run.path / "checkpoints" / run.checkpoint, run.path / "checkpoints" / "step-00000099")
        return score

    monkeypatch.setattr(Run, "evaluate", while_it_trains)
    out = told(capsys, copied.path)
    assert list(rows(out))
    assert "diagnosis" in out or "To fix: " in out


def test_what_cannot_be_made_beside_a_score_prevents_no_score(
    copied: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise MemoryError("it is too large")

    monkeypatch.setattr(Run, "baselines", fail)
    monkeypatch.setattr(Run, "overlap", fail)
    monkeypatch.setattr("octavo.reports.terminal.scores.diagnose_run", fail)
    assert main(["evaluate", str(copied.path)]) == 1
    said = capsys.readouterr()
    assert list(rows(said.out)) == ["this model"]
    for part in ("baselines", "overlap with the training split", "diagnosis"):
        assert f"octavo: no {part}: " in said.err
    assert said.err.count("MemoryError") == 3
