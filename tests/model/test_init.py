"""Initial weights are a function of the seed, the parameter's name and its shape."""

import math
from typing import Any, Literal

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model import Transformer

Kind = Literal["scaled", "pytorch"]
KINDS: list[Kind] = ["scaled", "pytorch"]


def weights(seed: int = 0, **settings: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach() for n, p in Transformer(ModelConfig(**settings), 300, seed).named_parameters()}


def random_ones(of: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, tensor in of.items() if bool((tensor != tensor.flatten()[0]).any())}


VARIANTS: list[dict[str, Any]] = [
    {"initialisation": kind, "bias": bias, "tied_embeddings": tied, "position": position}
    for kind in KINDS
    for bias in (True, False)
    for tied in (True, False)
    for position in ("rotary", "learned")
]


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_the_same_seed_gives_the_same_weights(settings: dict[str, Any]) -> None:
    one = weights(7, **settings)
    torch.rand(3)
    other = weights(7, **settings)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", [1, 2**31, 2**32, 2**63 - 1])
def test_another_seed_gives_other_weights(kind: Kind, other: int) -> None:
    one, two = weights(0, initialisation=kind), weights(other, initialisation=kind)
    assert len(random_ones(one)) > 10
    assert all(not torch.equal(one[name], two[name]) for name in random_ones(one))


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_parameters_start_equal(kind: Kind) -> None:
    drawn = weights(0, initialisation=kind, bias=True, tied_embeddings=False)
    starts = [tuple(drawn[name].flatten()[:8].tolist()) for name in sorted(random_ones(drawn))]
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_does_not_depend_on_which_others_there_are(kind: Kind) -> None:
    small = weights(3, initialisation=kind)
    variants = [
        weights(3, initialisation=kind, n_layers=3),
        weights(3, initialisation=kind, position="learned"),
        weights(3, initialisation=kind, feedforward="gelu"),
        weights(3, initialisation=kind, norm="layer", bias=True),
    ]
    for variant in variants:
        shared = small.keys() & variant.keys()
        assert len(shared) > 10
        assert all(torch.equal(small[name], variant[name]) for name in shared)


def test_pytorch_has_the_defaults_of_torch() -> None:
    config = {"bias": True, "tied_embeddings": False, "feedforward": "relu", "d_ff": 512}
    drawn = weights(0, initialisation="pytorch", **config)
    for name, tensor in drawn.items():
        if "norm" in name:
            assert torch.equal(tensor, torch.ones_like(tensor))
        elif name == "embedding.weight":
            assert tensor.std().item() == pytest.approx(1, abs=0.03)
            assert tensor.mean().item() == pytest.approx(0, abs=0.03)
        else:
            bound = 1 / math.sqrt(512 if "down" in name else 128)
            assert tensor.abs().max().item() <= bound
            assert tensor.max().item() > 0.9 * bound
            assert tensor.min().item() < -0.9 * bound
            if name.endswith("weight"):
                assert tensor.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_learned_positions_start_like_an_embedding_of_torch() -> None:
    rows = weights(0, initialisation="pytorch", position="learned")["positions.rows"]
    assert rows.std().item() == pytest.approx(1, abs=0.03)
    assert rows.mean().item() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("tied", [True, False])
def test_scaled_starts_each_block_as_the_identity(tied: bool) -> None:
    drawn = weights(0, bias=True, tied_embeddings=tied, position="learned")
    for name, tensor in drawn.items():
        if "norm" in name:
            expected = 0.0 if name.endswith("bias") else 1.0
            assert torch.equal(tensor, torch.full_like(tensor, expected))
        elif name.endswith((".attention.output.weight", ".feedforward.down.weight", ".bias")):
            assert not tensor.any(), name
        elif name in ("embedding.weight", "positions.rows"):
            assert tensor.std().item() == pytest.approx(0.02, rel=0.03)
        else:
            assert tensor.std().item() == pytest.approx(1 / math.sqrt(tensor.shape[1]), rel=0.03)


@torch.no_grad()
def test_a_scaled_model_starts_near_the_uniform_baseline() -> None:
    model = Transformer(ModelConfig(), 300)
    logits = model(torch.arange(60).view(2, 30))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.arange(100, 160))
    assert loss.item() == pytest.approx(math.log(300), abs=0.2)


def test_without_residual_no_parameter_starts_as_zero() -> None:
    drawn = weights(0, residual=False)
    assert all(tensor.any() for tensor in drawn.values())


@pytest.mark.parametrize(
    ("kind", "embedding", "query"),
    [
        ("scaled", [-0.0354536, 0.0178131, 0.0057884], [-0.0497563, 0.0486192, 0.0299040]),
        ("pytorch", [-1.7726821, 0.8906571, 0.2894188], [-0.0614925, 0.0063561, -0.0695573]),
    ],
)
def test_the_weights_of_a_seed_never_change(kind: Kind, embedding: list[float], query: list[float]) -> None:
    drawn = weights(42, initialisation=kind)
    assert drawn["embedding.weight"][0, :3].tolist() == pytest.approx(embedding, abs=1e-6)
    assert drawn["blocks.1.attention.q.weight"][0, :3].tolist() == pytest.approx(query, abs=1e-6)
