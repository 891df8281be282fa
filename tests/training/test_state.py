"""The state of training: what runs away is noticed, and a checkpoint of another model is refused."""

import math
from typing import Any

import pytest
import torch

from octavo.config.overrides import Request
from octavo.errors import DivergenceError, OctavoError
from octavo.model import Transformer
from octavo.model.weights import load_weights
from octavo.training.state import TrainingState


@pytest.fixture
def state(tiny: dict[str, Any]) -> TrainingState:
    config = Request(overrides=tiny | {"train.patience": 2}, steps=5).applied_to(None)
    return TrainingState(Transformer(config.model, 300), config)


def test_an_exploded_loss_is_noticed_after_fifty_steps(state: TrainingState) -> None:
    chance = math.log(300)
    state.record(chance, 1.0)
    for _ in range(48):
        state.record(2.03 * chance, 1.0)
    state.record(0.5 * chance, 1.0)
    assert state.step == 50  # the mean of the last 50 counts: now 1.98 times chance, then 2.05
    with pytest.raises(DivergenceError, match=r"5\.704.* optimizer\.learning_rate"):
        state.record(4.5 * chance, 1.0)


def test_a_bad_start_is_no_explosion(state: TrainingState) -> None:
    for _ in range(100):
        state.record(50.0, 1.0)
    assert state.step == 100


def test_selection_counts_what_did_not_improve(state: TrainingState) -> None:
    assert state.select(3.0)
    first = {name: tensor.clone() for name, tensor in state.best.items()}
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.add_(1.0)
    assert not state.select(3.0)
    assert not state.select(math.nan)
    assert state.validations_since_best == 2
    assert all(torch.equal(state.best[name], first[name]) for name in first), "the best weights are a copy"
    assert state.select(2.9)
    assert state.validations_since_best == 0
    assert not any(torch.equal(state.best[name], first[name]) for name in first)


def test_a_tied_matrix_is_kept_once(state: TrainingState) -> None:
    weights = state.checkpoint().tensors["weights"]
    assert "embedding.weight" in weights
    assert "unembedding.weight" not in weights
    assert sum(w.numel() for w in weights.values()) == state.model.n_parameters()


def test_weights_of_another_model_are_refused(state: TrainingState) -> None:
    weights = state.checkpoint().tensors["weights"]
    other = Transformer(state.model.config, 301)
    with pytest.raises(OctavoError, match=r"config\.toml"):
        load_weights(other, weights)
    with pytest.raises(OctavoError, match=r"config\.toml"):
        load_weights(state.model, weights | {"more": torch.zeros(1)})


def test_a_checkpoint_of_before_epochs_were_told_is_gone_on_from(state: TrainingState) -> None:
    state.record(5.0, 1.0)
    checkpoint = state.checkpoint()
    del checkpoint.state["epoch_losses"]
    state.restore(checkpoint)
    state.record(4.0, 1.0)
    assert state.epoch_losses == [4.0, 1]


@pytest.mark.parametrize(
    "change",
    [
        *({"step": "1"}, {"step": -1}, {"step": 1.0}, {"seconds": None}, {"seconds": -1.0}, {"waited": []}),
        *({"unlogged": [1.0]}, {"unlogged": [[1.0]]}, {"recent": {}}, {"epoch_losses": [1]}, {"metrics_bytes": -5}),
    ],
)
def test_values_that_are_none_of_a_state_are_refused(state: TrainingState, change: dict[str, Any]) -> None:
    saved = state.checkpoint()
    saved.state.update(change)
    with pytest.raises(OctavoError, match=r"the checkpoint's state\.json is damaged"):
        state.restore(saved)


def test_weights_that_are_not_fp32_are_refused(state: TrainingState) -> None:
    saved = state.checkpoint()
    saved.tensors["weights"] = {name: tensor.double() for name, tensor in saved.tensors["weights"].items()}
    with pytest.raises(OctavoError, match=r"config\.toml"):
        state.restore(saved)
