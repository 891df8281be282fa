"""The arithmetic of training, against PyTorch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from octavo.config import ModelConfig
from octavo.model import Transformer
from octavo.training.flops import forward_flops, matmul_rate, model_flops_utilisation

LENGTH = 24  # short enough that products go the way the counter knows


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(n_layers=2, d_model=32, n_heads=4, d_ff=48),
        ModelConfig(n_layers=1, d_model=32, n_heads=4, n_kv_heads=2, d_head=10, d_ff=40, tied_embeddings=False),
        ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=20, feedforward="relu", position="sinusoidal", bias=True),
    ],
)
def test_it_is_what_pytorch_counts_but_for_hidden_pairs(config: ModelConfig) -> None:
    model = Transformer(config, 70)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, LENGTH, dtype=torch.int64))
    every_pair = 4 * config.n_layers * config.n_heads * config.head_width * LENGTH * LENGTH
    seen_pairs = every_pair * (LENGTH + 1) / (2 * LENGTH)
    assert LENGTH * forward_flops(model, LENGTH) == pytest.approx(counter.get_total_flops() - every_pair + seen_pairs)


def test_a_share_is_of_what_products_reach() -> None:
    model = Transformer(ModelConfig(n_layers=1, d_model=32, n_heads=4, d_ff=48), 70)
    found = model_flops_utilisation(model, LENGTH, 1000.0, torch.float32, threads=2)
    assert found.flops_per_token == 3 * forward_flops(model, LENGTH)
    assert found.mfu == pytest.approx(1000 * found.flops_per_token / found.matmul_rate)
    assert 0 < found.mfu < 1
    assert found.matmul_rate == pytest.approx(2 * matmul_rate(torch.float32, 1), rel=0.6)
