"""A finding names a command that changes what is unfit, or trains longer; never both."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from octavo.config.overrides import Request
from octavo.evaluate.diagnosis.advice import REQUESTED_CHANGES, reconcile
from octavo.evaluate.diagnosis.case import Commands, Finding
from octavo.evaluate.diagnosis.commands import commands_of, unfit_settings
from octavo.formats.toml_schema import with_overrides
from octavo.pipeline.plan import as_corpus, make_plan
from octavo.pipeline.run import Run
from octavo.pipeline.train import train

RETRAIN, EXTEND = "octavo train a.txt --minutes 2", "octavo train --resume --name=a --minutes 4"
FIX = "some words"


def finding(kind: str) -> Finding:
    return Finding(kind, "warning", "words", FIX)


@pytest.mark.parametrize("kind", REQUESTED_CHANGES)
def test_unfit_settings_come_first(kind: str) -> None:
    (told,) = reconcile([finding(kind)], Commands(RETRAIN, ("optimizer.kind",), EXTEND))
    about_training = REQUESTED_CHANGES[kind] - {"another text"}
    assert told.command == (RETRAIN if about_training else "")
    assert ("optimizer.kind" in told.fix) == bool(about_training)


@pytest.mark.parametrize("kind", REQUESTED_CHANGES)
def test_a_run_with_fitting_settings_is_only_trained_longer(kind: str) -> None:
    (told,) = reconcile([finding(kind)], Commands(extend=EXTEND))
    assert told.command == (EXTEND if "more training" in REQUESTED_CHANGES[kind] else "")


def test_no_command_contradicts_another() -> None:
    told = reconcile(
        [finding("overfitting"), finding("underfitting"), finding("no better than bigram")], Commands(extend=EXTEND)
    )
    assert not any(each.command for each in told), "the text is learned by heart: longer training does not help"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer.kind", "adam"),
        ("optimizer.matrix_learning_rate", 0.5),
        ("tokenizer.vocab_size", 6000),
        ("model.n_layers", 8),
        ("model.dropout", 0.6),
        ("data.batch_size", 1),
        ("schedule.kind", "constant"),
    ],
)
def test_a_setting_that_is_far_off_is_named(play_file: Path, tmp_path: Path, name: str, value: Any) -> None:
    corpus = as_corpus(play_file)
    fitted = make_plan(corpus, Request(epochs=5.0), root=tmp_path).config
    facts: dict[str, Any] = {"train_bytes": int(0.9 * corpus.bytes), "epochs": 5.0, "tokens_per_second": 1.0}
    assert unfit_settings(fitted, **facts) == ()
    assert name in unfit_settings(with_overrides(fitted, [(name, value)]), **facts)


@pytest.mark.parametrize(("name", "value"), [("data.held_out", "end"), ("data.validation", 0.2), ("data.test", 0.1)])
def test_what_is_held_out_is_no_fault(play_file: Path, tmp_path: Path, name: str, value: Any) -> None:
    fitted = make_plan(as_corpus(play_file), Request(epochs=5.0), root=tmp_path).config
    config = with_overrides(fitted, [(name, value)])
    assert unfit_settings(config, train_bytes=36_000, epochs=5.0, tokens_per_second=1.0) == ()


def test_the_speed_of_a_deeper_model_is_that_of_the_same_budget() -> None:
    """Of a deep run that makes 50 passes in five minutes nothing is unfit; at a third of its speed much is."""
    settings = {"model.n_layers": 4, "train.calibrate": True, "data.batch_size": 32, "tokenizer.vocab_size": 576}
    fitting = settings | {"model.dropout": 0.2, "model.hidden_dropout": 0.2, "optimizer.weight_decay": 0.3}
    deep = Request(minutes=5, overrides=fitting).applied_to(None)
    facts: dict[str, Any] = {"train_bytes": 90_000, "epochs": 50.0, "tokens_per_second": 50 * 90_000 / 2.1 / 300}
    assert unfit_settings(deep, **facts) == ()
    slow = facts | {"tokens_per_second": facts["tokens_per_second"] / 3}
    assert "model.dropout" in unfit_settings(deep, **slow)


def test_many_epochs_without_calibration_are_worth_another_run() -> None:
    config = Request(epochs=30).applied_to(None)
    facts: dict[str, Any] = {"train_bytes": 90_000, "epochs": 30.0, "tokens_per_second": 1.0}
    assert "train.calibrate" in unfit_settings(config, **facts)
    for other in (("train.calibrate", True), ("train.patience", 3)):
        assert "train.calibrate" not in unfit_settings(with_overrides(config, [other]), **facts)


def test_the_command_trains_the_same_text_with_a_budget(trained: Run, play_file: Path) -> None:
    found = commands_of(trained)
    words = shlex.split(found.retrain)
    assert words[:3] == ["octavo", "train", str(play_file)]
    assert float(words[words.index("--minutes") + 1]) >= 1
    assert "model.d_model" in found.unfit
    extension = shlex.split(found.extend)
    assert extension[:3] == ["octavo", "train", "--resume"]
    assert float(extension[-1]) == 2 * trained.config.train.steps


def test_it_is_part_of_what_is_saved_and_shown(tiny: dict[str, Any], play_file: Path, tmp_path: Path) -> None:
    run = train(
        play_file, overrides=tiny | {"optimizer.matrix_learning_rate": 0.0}, steps=2, runs=tmp_path, progress=False
    )
    first = run.diagnose()[0]
    assert first.command == commands_of(run).retrain
    assert first.command in first.lines()[-1]
    assert first.command in (run.path / "diagnosis.json").read_text()
