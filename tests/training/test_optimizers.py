"""Each rule moves the parameters that it should, as its formula says, and goes on after a restart."""

from typing import Any

import pytest
import torch

from octavo.config import ModelConfig, OptimizerConfig
from octavo.errors import OctavoError
from octavo.model import Transformer
from octavo.training.optimizers import Optimizers

Tensors = dict[str, torch.Tensor]
KINDS = ["muon", "adamw", "adam"]


@pytest.fixture
def model() -> Transformer:
    config = ModelConfig(d_model=16, n_heads=2, d_ff=24, bias=True, tied_embeddings=False, position="learned")
    made = Transformer(config, 29)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0.5, 1.0, generator=generator)
    return made


def config(kind: Any, **settings: Any) -> OptimizerConfig:
    return OptimizerConfig(kind=kind, **settings)


def weights(model: Transformer) -> Tensors:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def give_gradients(model: Transformer, step: int) -> Tensors:
    generator = torch.Generator().manual_seed(1000 + step)
    for p in model.parameters():
        p.grad = torch.randn(p.shape, generator=generator) * 0.1
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def step_with_zeros(model: Transformer, optimizers: Optimizers) -> None:
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizers.step(1.0)


def adam_by_hand(
    before: Tensors, gradients: list[Tensors], scales: list[float], *, l2: float, decay: dict[str, float]
) -> Tensors:
    """Adam (Kingma & Ba, 2015); `l2` goes into the gradient, `decay` past it."""
    rate, beta1, beta2, epsilon = 0.01, 0.8, 0.95, 1e-6
    after = {}
    for name, start in before.items():
        p, m, v = start.double(), torch.zeros(1).double(), torch.zeros(1).double()
        for t, (step, scale) in enumerate(zip(gradients, scales, strict=True), 1):
            g = step[name].double() + l2 * p
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            p = p * (1 - rate * scale * decay.get(name, 0.0))
            p = p - rate * scale * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + epsilon)
        after[name] = p.float()
    return after


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_adam_couples_its_decay_and_adamw_does_not(kind: str, model: Transformer) -> None:
    optimizers = Optimizers(
        model, config(kind, learning_rate=0.01, betas=(0.8, 0.95), epsilon=1e-6, weight_decay=0.3)
    )
    before, scales = weights(model), [0.5, 1.0, 0.25]
    gradients = []
    for step, scale in enumerate(scales):
        gradients.append(give_gradients(model, step))
        optimizers.step(scale)
    matrices = {name: 0.3 for name, tensor in before.items() if tensor.ndim == 2}
    coupled = adam_by_hand(before, gradients, scales, l2=0.3, decay={})
    decoupled = adam_by_hand(before, gradients, scales, l2=0.0, decay=matrices)
    expected, other = (coupled, decoupled) if kind == "adam" else (decoupled, coupled)
    for name, tensor in weights(model).items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(tensor, other[name], atol=1e-4)


def test_adamw_decays_matrices_and_nothing_else(model: Transformer) -> None:
    before = weights(model)
    step_with_zeros(model, Optimizers(model, config("adamw", learning_rate=0.1, weight_decay=0.5)))
    for name, tensor in weights(model).items():
        torch.testing.assert_close(tensor, before[name] * (0.95 if before[name].ndim == 2 else 1.0))


def test_adam_decays_everything(model: Transformer) -> None:
    before = weights(model)
    step_with_zeros(model, Optimizers(model, config("adam", learning_rate=0.1, weight_decay=0.5)))
    assert all(not torch.equal(tensor, before[name]) for name, tensor in weights(model).items())


def by_muon(name: str, tensor: torch.Tensor) -> bool:
    return name.startswith("blocks.") and tensor.ndim == 2


def test_muon_decays_its_own_matrices_and_nothing_else(model: Transformer) -> None:
    before = weights(model)
    optimizers = Optimizers(model, config("muon", learning_rate=0.3, matrix_learning_rate=0.1, weight_decay=0.5))
    step_with_zeros(model, optimizers)
    for name, tensor in weights(model).items():
        torch.testing.assert_close(tensor, before[name] * (0.95 if by_muon(name, tensor) else 1.0))


@pytest.mark.parametrize("muon", [True, False])
def test_muon_takes_just_the_matrices_of_the_blocks(muon: bool, model: Transformer) -> None:
    rates = {"matrix_learning_rate": 0.02 * muon, "learning_rate": 0.003 * (not muon)}
    optimizers = Optimizers(model, config("muon", **rates))
    before = weights(model)
    give_gradients(model, 0)
    optimizers.step(1.0)
    moved = {name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])}
    assert moved == {name for name, tensor in before.items() if by_muon(name, tensor) == muon}
    assert len(moved) > 10


def test_muon_moves_a_matrix_by_one_that_is_nearly_orthogonal(model: Transformer) -> None:
    optimizers = Optimizers(model, config("muon", matrix_learning_rate=0.1, weight_decay=0.0))
    before = weights(model)
    give_gradients(model, 0)
    optimizers.step(0.5)
    name = "blocks.0.attention.q.weight"
    values = torch.linalg.svdvals((weights(model)[name] - before[name]) / 0.05)
    assert values.min() > 0.4
    assert values.max() < 1.4


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_moves_at_a_rate_of_zero_and_gradients_are_dropped(kind: str, model: Transformer) -> None:
    optimizers = Optimizers(model, config(kind))
    before = weights(model)
    give_gradients(model, 0)
    optimizers.step(0.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(model).items())
    assert all(p.grad is None for p in model.parameters())
    give_gradients(model, 0)
    optimizers.step(1.0)  # the peak was not forgotten
    assert all(not torch.equal(tensor, before[name]) for name, tensor in weights(model).items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_goes_on_bit_for_bit(kind: str, model: Transformer) -> None:
    settings = config(kind, weight_decay=0.1)
    optimizers = Optimizers(model, settings)
    for step in range(3):
        give_gradients(model, step)
        optimizers.step(0.1 * (step + 1))
    state = {name: tensor.clone() for name, tensor in optimizers.tensors().items()}
    kept = weights(model)

    def go_on(optimizers: Optimizers, model: Transformer) -> tuple[Tensors, Tensors]:
        for step in range(3, 6):
            give_gradients(model, step)
            optimizers.step(0.1 * (step + 1))
        return weights(model), optimizers.tensors()

    expected, expected_state = go_on(optimizers, model)
    restarted = Transformer(model.config, 29, seed=5)
    restarted.load_state_dict(kept, strict=True)
    others = Optimizers(restarted, settings)
    assert others.tensors() == {}
    others.load(state)
    found, found_state = go_on(others, restarted)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert found_state.keys() == expected_state.keys()
    assert all(torch.equal(found_state[name], expected_state[name]) for name in expected_state)


def test_every_parameter_has_its_state(model: Transformer) -> None:
    optimizers = Optimizers(model, config("muon"))
    give_gradients(model, 0)
    optimizers.step(1.0)
    names = [name.split(".") for name in optimizers.tensors()]
    matrices = sum(by_muon(name, tensor) for name, tensor in weights(model).items())
    assert sum(kind == "momentum_buffer" for _, _, kind in names) == matrices
    assert sum(kind == "exp_avg_sq" for _, _, kind in names) == len(weights(model)) - matrices


def test_tied_weights_are_moved_once() -> None:
    model = Transformer(ModelConfig(d_model=16, n_heads=2, d_ff=8), 29)
    optimizers = Optimizers(model, config("adamw", learning_rate=0.1, weight_decay=0.5))
    before = weights(model)
    step_with_zeros(model, optimizers)
    torch.testing.assert_close(model.unembedding.weight.detach(), before["embedding.weight"] * 0.95)


@pytest.mark.parametrize("kind", ["muon", "adamw", "adam"])
def test_a_state_comes_back_and_that_of_another_model_or_kind_is_refused(kind: str, model: Transformer) -> None:
    optimizers = Optimizers(model, config(kind))
    optimizers.load({})  # before the first step there is none
    give_gradients(model, 1)
    optimizers.step(1.0)
    state = optimizers.tensors()
    again = Optimizers(model, config(kind))
    again.load(state)
    assert again.tensors().keys() == state.keys()
    name = next(name for name, tensor in state.items() if tensor.ndim)
    for other in (
        state | {name: torch.zeros(2**10, 3)},
        state | {"9.0.exp_avg": torch.zeros(1)},
        state | {"x": torch.zeros(1)},
        {key: value for key, value in state.items() if key != name},
    ):
        with pytest.raises(OctavoError, match=r"optimizer .* config\.toml"):
            again.load(other)
