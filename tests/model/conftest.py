"""Small models for the tests of the layers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model import Transformer

VOCABULARY = 29


@torch.no_grad()
def _model(*, seed: int = 0, **settings: Any) -> Transformer:
    sizes = {"n_layers": 2, "d_model": 16, "n_heads": 4, "d_ff": 24, "max_positions": 64}
    model = Transformer(ModelConfig(**(sizes | settings)), VOCABULARY)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        middle = 1.0 if parameter.ndim == 1 else 0.0
        parameter.normal_(middle, 0.3, generator=generator)
    return model


@pytest.fixture(scope="session")
def make() -> Callable[..., Transformer]:
    """Return a function that builds a small model with random weights, since half of the initial ones are zero."""
    return _model


@pytest.fixture(scope="session")
def input_ids() -> torch.Tensor:
    """Return three windows of 12 tokens."""
    return torch.randint(VOCABULARY, (3, 12), generator=torch.Generator().manual_seed(1))
