"""Small tokenizers and models to look into."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer
from octavo.tokenizer.kinds import ByteBPE, Characters, WhitespaceBPE

MakeModel = Callable[..., Transformer]


@pytest.fixture(scope="session")
def bpe(play: str) -> Tokenizer:
    return ByteBPE.train(play, 300)


@pytest.fixture(scope="session")
def characters(play: str) -> Tokenizer:
    return Characters.train(play, 330)


@pytest.fixture(scope="session")
def lossy(play: str) -> Tokenizer:
    """It has no start token either."""
    return WhitespaceBPE.train(play, 120)


@pytest.fixture(scope="session")
def unstarted(play: str) -> Tokenizer:
    """Lossless, but without a start token."""
    tokenizer = ByteBPE.train(play, 300)
    tokenizer.bos_id = None
    return tokenizer


@torch.no_grad()
def _model(vocab_size: int, **settings: Any) -> Transformer:
    sizes = {"n_layers": 2, "d_model": 16, "n_heads": 4, "d_ff": 24, "max_positions": 64}
    model = Transformer(ModelConfig(**(sizes | settings)), vocab_size)
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        middle = 1.0 if parameter.ndim == 1 else 0.0
        parameter.normal_(middle, 0.3, generator=generator)
    return model


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """A small model of a vocabulary's size and the given settings, all its weights random."""
    return _model
