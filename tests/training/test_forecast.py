"""Before a run: its facts, and texts that are too short with a fix that works."""

import math
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.errors import OctavoError
from octavo.pipeline.plan import make_plan
from octavo.training.forecast import check_text_length, fitting_settings, forecast_training, memory_estimate
from octavo.training.loop import Training
from octavo.training.precision import Precision

Make = Callable[..., Training]
FP32 = Precision("fp32", "as asked")


def test_its_facts_are_those_of_the_run(tiny: dict[str, Any], play: str, make_training: Make) -> None:
    config = Request(overrides=tiny, epochs=2.5).applied_to(None)
    tokenizer, parts = prepare(Corpus.from_text(play), config.data, config.tokenizer)
    facts = forecast_training("play", config, tokenizer, parts, FP32)
    training = make_training(config, play)
    ids = parts["train"][1]
    assert facts.characters == len(play)
    assert (facts.train_tokens, facts.validation_tokens) == (len(ids), len(parts["validation"][1]))
    assert facts.vocab_size == tokenizer.vocab_size
    assert facts.characters_per_token == pytest.approx(0.9 * len(play) / len(ids))
    assert facts.parameters == sum(p.numel() for p in training.state.model.parameters())
    assert facts.tokens_per_parameter == pytest.approx(len(ids) / facts.parameters)
    assert facts.steps == training.budget.steps == math.ceil(2.5 * training.data.order.steps_per_epoch)
    assert facts.epochs == pytest.approx(2.5, abs=0.05)
    assert facts.epochs == pytest.approx(facts.steps * 16 * 32 / len(ids), rel=0.02)
    assert (facts.validations, facts.validation_windows) == (math.ceil(facts.steps / 20), 8)
    assert facts.seconds == pytest.approx(facts.steps * 16 * 32 / facts.tokens_per_second + facts.validation_seconds)
    assert 0 < facts.validation_seconds < facts.seconds
    assert 2**28 < facts.memory_bytes < 2**31
    text = "\n".join(facts.lines())
    for number in (facts.characters, facts.train_tokens, facts.vocab_size, facts.parameters, facts.steps):
        assert f"{number:,}" in text
    assert "fp32 (as asked)" in text
    assert asdict(facts)["precision"] == {"name": "fp32", "reason": "as asked"}


def test_a_budget_of_minutes_foretells_steps(tiny: dict[str, Any], play: str) -> None:
    config = Request(overrides=tiny, minutes=2).applied_to(None)
    tokenizer, parts = prepare(Corpus.from_text(play), config.data, config.tokenizer)
    facts = forecast_training("play", config, tokenizer, parts, FP32)
    assert facts.seconds == 120
    left = 120 - facts.validation_seconds
    assert facts.steps == pytest.approx(left * facts.tokens_per_second / (16 * 32), rel=0.01)


@pytest.mark.parametrize(
    "overrides",
    [
        {"model.d_model": 2**20},
        {"model.d_ff": 2**20, "model.d_model": 2**16},
        {"data.batch_size": 2**20},
        {"data.context_length": 2**14, "data.batch_size": 2**14},
    ],
    ids=str,
)
def test_a_run_that_does_not_fit_the_memory_is_refused_before_it_takes_any(
    tiny: dict[str, Any], play: str, overrides: dict[str, Any]
) -> None:
    config = Request(overrides=tiny | overrides, steps=1).applied_to(None)
    tokenizer, parts = prepare(Corpus.from_text(play * 2), config.data, config.tokenizer)
    with pytest.raises(OctavoError, match=r"needs about [\d.]+ GiB and the machine has [\d.]+: ") as refused:
        forecast_training("play", config, tokenizer, parts, FP32)
    fix = str(refused.value).split(": ")[1]
    if "d_model" in str(overrides):
        fix = fix.replace("d_model=8192", "d_model=8")
    assert re.fullmatch(r"((data|model)\.\w+=\d+ (and )?)+would fit", fix), fix


def test_what_is_said_to_fit_does_and_twice_as_much_does_not(
    tiny: dict[str, Any], play: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Request(overrides=tiny | {"data.batch_size": 4096}, steps=1).applied_to(None)
    tokenizer, parts = prepare(Corpus.from_text(play), config.data, config.tokenizer)
    monkeypatch.setattr("octavo.training.forecast.machine_memory", lambda: 600 * 2**20)
    with pytest.raises(OctavoError, match=r"data\.batch_size=\d+ would fit") as refused:
        forecast_training("play", config, tokenizer, parts, FP32)
    fits = int(str(refused.value).split("batch_size=")[1].split()[0])
    for size, does in ((fits, True), (2 * fits, False)):
        tried = Request(overrides=tiny | {"data.batch_size": size}, steps=1).applied_to(None)
        needed = memory_estimate(tried, 20_000, tokenizer.vocab_size, FP32)
        assert (needed <= 600 * 2**20) is does
    monkeypatch.setattr("octavo.training.forecast.machine_memory", lambda: 100 * 2**20)
    with pytest.raises(OctavoError, match=r"the machine has 0\.1"):
        forecast_training("play", config, tokenizer, parts, FP32)


SENTENCES = "The cat sat on the mat. A dog ate 7 apples, and ran! "
SHORT = {
    "one line": SENTENCES[:49],
    "213 characters": (SENTENCES * 9)[:213],
    "a poem": "Roses are red,\nviolets are blue,\n" * 2,
    "emoji": "😀👍🏽 日本語 " * 6,
}


@pytest.mark.parametrize("patience", [0, 3])
@pytest.mark.parametrize("name", SHORT)
def test_a_text_that_is_too_short_is_told_what_would_work(
    make_training: Make, tiny: dict[str, Any], name: str, patience: int, tmp_path: Path
) -> None:
    text = SHORT[name]
    overrides = tiny | {"data.context_length": 512, "train.patience": patience, "train.validate_every": 2}
    with pytest.raises(OctavoError) as refused:
        make_plan(Corpus.from_text(text), Request(overrides=overrides, steps=3), root=tmp_path)
    sentence = str(refused.value)
    found = re.fullmatch(
        rf"{len(text)} characters are too few for a context of 512: "
        r"use at least (\d+), or set data\.context_length=(\d+)",
        sentence,
    )
    assert found, sentence
    needed, fits = map(int, found.groups())
    mended = Request(overrides=overrides | {"data.context_length": fits}, steps=3).applied_to(None)
    events = list(make_training(mended, text))
    assert events[-1].step == 3
    if fits < 256:
        too_much = Request(overrides=overrides | {"data.context_length": 4 * fits}, steps=3).applied_to(None)
        parts = prepare(Corpus.from_text(text), too_much.data, too_much.tokenizer)[1]
        with pytest.raises(OctavoError, match="too few"):
            check_text_length(too_much, parts)
    assert len(text) < needed < 100 * len(text)


def test_the_characters_named_are_enough_for_such_a_text(tiny: dict[str, Any], play: str) -> None:
    for context in (64, 200, 1000):
        config = Request(overrides=tiny | {"data.context_length": context, "tokenizer.kind": "characters"}, steps=1)
        applied = config.applied_to(None)

        def check(text: str, applied: Any = applied) -> None:
            check_text_length(applied, prepare(Corpus.from_text(text), applied.data, applied.tokenizer)[1])

        with pytest.raises(OctavoError) as refused:
            check(play[:60])
        needed = int(str(refused.value).split("use at least ")[1].split(",")[0])
        check(play[:needed])
        with pytest.raises(OctavoError, match="too few"):
            check(play[: int(0.9 * needed)])


@pytest.mark.parametrize("text", ["a" * 3000, " " * 3000, "ab" * 5000], ids=["a letter", "blanks", "two letters"])
def test_a_text_that_repeats_itself_is_told_what_would_work(
    make_training: Make, tiny: dict[str, Any], text: str
) -> None:
    config = Request(overrides=tiny, steps=3).applied_to(None)
    parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)[1]
    with pytest.raises(OctavoError, match=r"tokenizer\.kind=characters"):
        check_text_length(config, parts)
    mended = Request(
        overrides=tiny | {"tokenizer.kind": "characters", "tokenizer.vocab_size": 0}, steps=3
    ).applied_to(None)
    assert list(make_training(mended, text))[-1].step == 3


@pytest.mark.parametrize("tail", [" " * 300, " " * 300 + "x"], ids=["blank", "one word"])
def test_a_held_out_part_without_tokens_is_refused(tiny: dict[str, Any], tail: str) -> None:
    words = {"tokenizer.kind": "whitespace-bpe", "tokenizer.vocab_size": 100, "tokenizer.dropout": 0.0}
    config = Request(overrides=tiny | words, steps=3).applied_to(None)
    parts = prepare(Corpus.from_text("hello world this is a text " * 50 + tail), config.data, config.tokenizer)[1]
    with pytest.raises(OctavoError, match="leave too few tokens to score"):
        check_text_length(config, parts)


@pytest.mark.parametrize("text", ["a", "ab", "abcdefghij"])
def test_a_few_characters_are_refused_in_a_sentence(tiny: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"^[^\n]+: [^\n]+$"):
        make_plan(Corpus.from_text(text), Request(overrides=tiny, steps=3), root=tmp_path)


def test_thousands_of_layers_are_not_what_would_fit(tiny: dict[str, Any]) -> None:
    config = Request(overrides=tiny | {"model.n_layers": 100_000}, steps=1).applied_to(None)
    fits = dict(setting.split("=") for setting in fitting_settings(config, 512, FP32, 2**30))
    assert int(fits["model.n_layers"]) < 25_000
    assert "model.d_model" not in fits
