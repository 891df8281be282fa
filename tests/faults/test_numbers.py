"""A loss, gradient or weight that becomes NaN or infinite: training stops at the step and saves the batch."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.faults.harness import SETTINGS

from octavo.errors import DivergenceError
from octavo.model import Transformer
from octavo.pipeline.run import load
from octavo.pipeline.train import train
from octavo.runs.checkpoint import load_newest
from octavo.training import loop
from octavo.training.optimizers import Optimizers
from octavo.training.step import training_step

AT = 7  # the step that goes wrong; checkpoints are made every four
Spoil = Callable[[Transformer, Optimizers, pytest.MonkeyPatch], None]


def in_the_loss(model: Transformer, optimizers: Optimizers, patch: pytest.MonkeyPatch) -> None:
    with torch.no_grad():
        model.embedding.weight[5, 3] = math.nan


def in_the_gradient(model: Transformer, optimizers: Optimizers, patch: pytest.MonkeyPatch) -> None:
    model.embedding.weight.register_hook(lambda gradient: gradient * math.inf)  # type: ignore[no-untyped-call]


def in_the_weights(model: Transformer, optimizers: Optimizers, patch: pytest.MonkeyPatch) -> None:
    step = optimizers.step

    def moved(scale: float) -> None:
        step(scale)
        with torch.no_grad():
            dict(model.named_parameters())["blocks.0.feedforward.down.weight"][0, 0] = -math.inf

    patch.setattr(optimizers, "step", moved)


@pytest.fixture
def spoiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Spoil], None]:
    """Let training diverge at step AT."""

    def install(spoil: Spoil) -> None:
        steps, whole = iter(range(1, 1000)), training_step

        def stepped(model: Transformer, optimizers: Optimizers, *given: Any, **options: Any) -> Any:
            if next(steps) == AT:
                spoil(model, optimizers, monkeypatch)
            return whole(model, optimizers, *given, **options)

        monkeypatch.setattr(loop, "training_step", stepped)

    return install


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (in_the_loss, "the loss became nan and the gradient became nan"),
        (in_the_gradient, r"the gradient became (nan|inf)"),
        (in_the_weights, "the weights became inf"),
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.1], ids=["cut as ever", "BPE-dropout"])
def test_divergence_stops_training_and_its_batch_is_saved(
    spoiled: Callable[[Spoil], None], play_file: Path, tmp_path: Path, spoil: Spoil, said: str, dropout: float
) -> None:
    spoiled(spoil)
    overrides = SETTINGS | {"tokenizer.kind": "bpe", "tokenizer.dropout": dropout}
    with pytest.raises(DivergenceError) as stopped:
        train(play_file, steps=40, name="a", overrides=overrides, runs=tmp_path, progress=False)
    sentence, kept = str(stopped.value), tmp_path / "a" / "runaway.json"
    assert re.match(rf"step {AT}: {said}: lower optimizer\.learning_rate", sentence), sentence
    assert "8 windows" in sentence
    assert str(kept) in sentence
    assert "step-00000004" in sentence
    weights = load_newest(tmp_path / "a" / "checkpoints")[1].tensors["weights"]
    assert all(bool(weight.isfinite().all()) for weight in weights.values())

    found = json.loads(kept.read_text())
    assert (found["step"], len(found["windows"])) == (AT, 8)
    assert 0 < found["epoch"] < 1
    part = load(tmp_path / "a").splits["train"]
    text, tokenizer = part.text, load(tmp_path / "a").tokenizer
    for window in found["windows"]:
        assert len(window["text"]) > 10
        assert window["text"].strip("\ufffd") in text
        assert ("first_token" in window) is (dropout == 0)
        if not dropout:
            ids = part.ids[window["first_token"] + 1 :][:16]
            assert tokenizer.decode(ids.tolist()) == window["text"]
        whole = isinstance(window["nats_per_token"], float)
        assert whole is (spoil is in_the_gradient), "what was wrong in the loss shows in each window"


def test_the_saved_batch_is_deleted_when_the_run_is_resumed(
    spoiled: Callable[[Spoil], None], play_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"name": "a", "runs": tmp_path, "progress": False, "brief": True}
    with monkeypatch.context():
        spoiled(in_the_gradient)
        with pytest.raises(DivergenceError):
            train(play_file, steps=12, overrides=SETTINGS, **given)
    monkeypatch.undo()
    assert (tmp_path / "a" / "runaway.json").exists()
    assert train(resume=True, **given).directory.ended
    assert not (tmp_path / "a" / "runaway.json").exists()


def test_a_learning_rate_beyond_reason(play_file: Path, tmp_path: Path) -> None:
    wild = {"optimizer.kind": "adamw", "optimizer.learning_rate": 10.0, "optimizer.clip_norm": 0.0}
    with pytest.raises(DivergenceError, match=r"^step \d+: the (loss|weights) .*windows.*runaway\.json \(a: "):
        train(play_file, steps=400, name="a", overrides=SETTINGS | wild, runs=tmp_path, progress=False)
