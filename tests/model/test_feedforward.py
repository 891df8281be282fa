"""The feed-forward layers compute the formulas of their papers."""

from collections.abc import Sequence

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model.dropout import no_dropout
from octavo.model.feedforward import FEEDFORWARD, SwiGLU

X = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["swiglu", "gelu", "relu"])
def test_a_layer_is_its_formula(kind: str) -> None:
    layer = FEEDFORWARD[kind](ModelConfig(d_model=16, d_ff=24, bias=True))
    up = X @ layer.up.weight.T + layer.up.bias
    if isinstance(layer, SwiGLU):
        gate = X @ layer.gate.weight.T + layer.gate.bias
        hidden = gate * gate.sigmoid() * up
    else:
        hidden = up.clamp(min=0) if kind == "relu" else up * 0.5 * (1 + torch.erf(up / 2**0.5))
    expected = hidden @ layer.down.weight.T + layer.down.bias
    torch.testing.assert_close(layer(X, no_dropout), expected, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_dropout_is_applied_to_the_hidden_layer() -> None:
    layer = FEEDFORWARD["relu"](ModelConfig(d_model=16, d_ff=24, hidden_dropout=0.25))
    rates = []

    def drop(shape: Sequence[int], rate: float) -> torch.Tensor:
        rates.append((tuple(shape), rate))
        return torch.zeros(*shape)

    assert not layer(X, drop).any()
    assert rates == [((2, 5, 24), 0.25)]
