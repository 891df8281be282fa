"""The shapes are those that a model has."""

import math
from typing import Any

import pytest

from octavo.config import ModelConfig
from octavo.config.shapes import model_shapes, parameter_count, windows_at_once
from octavo.model import Transformer


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"n_kv_heads": 2, "d_head": 24},
        {"position": "learned", "max_positions": 9},
        {"position": "sinusoidal", "tied_embeddings": False},
        {"norm": "layer", "bias": True, "feedforward": "gelu"},
        {"norm": "layer", "feedforward": "relu", "qk_norm": False},
        {"norm": "none", "bias": True, "tied_embeddings": False, "n_layers": 1},
    ],
)
def test_they_are_the_models(parts: dict[str, Any]) -> None:
    config = ModelConfig(**{"d_model": 32, "d_ff": 40, **parts})
    made = {name: tuple(weight.shape) for name, weight in Transformer(config, 300).named_parameters()}
    assert model_shapes(config, 300) == made
    assert parameter_count(config, 300) == (sum(map(math.prod, made.values())), len(made))


@pytest.mark.parametrize(
    ("vocab_size", "length", "scores", "expected"),
    [
        (512, 128, False, 64),
        (2048, 128, False, 64),
        (8192, 1024, False, 2),
        (512, 1024, False, 20),
        (512, 1024, True, 4),
        (2**20, 128, False, 1),
    ],
)
def test_windows_are_read_at_once_as_memory_allows(vocab_size: int, length: int, scores: bool, expected: int) -> None:
    """The largest tensor has no more than 2^24 numbers: logits, the hidden layer's two halves, or scores."""
    assert windows_at_once(ModelConfig(), vocab_size, length, scores=scores) == expected
