"""The norms are those of torch.nn."""

import pytest
import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.model.layers import RMSNorm, make_head_norm, make_norm


@pytest.mark.parametrize("epsilon", [1e-6, 1.1920929e-07, 0.1])
def test_rms_norm_is_that_of_torch_with_its_gradients(epsilon: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = RMSNorm(24, epsilon), nn.RMSNorm(24, eps=epsilon)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.linspace(-1, 2, 24))
    x = torch.randn(3, 5, 24, generator=generator) * torch.tensor([1e-3, 1.0, 30.0])[:, None, None]
    towards = torch.randn(3, 5, 24, generator=generator)
    results = []
    for norm in (ours, theirs):
        leaf = x.clone().requires_grad_()
        out = norm(leaf)
        results.append((out, *torch.autograd.grad((out * towards).sum(), (leaf, norm.weight))))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_rms_norm_of_nothing_is_nothing() -> None:
    assert torch.equal(RMSNorm(4, 1e-6)(torch.zeros(2, 4)), torch.zeros(2, 4))


def test_a_config_chooses_the_norm() -> None:
    assert isinstance(make_norm(ModelConfig(norm="rms")), RMSNorm)
    layer = make_norm(ModelConfig(norm="layer", norm_epsilon=1e-3, bias=True))
    assert isinstance(layer, nn.LayerNorm)
    assert (layer.eps, layer.normalized_shape, layer.bias is None) == (1e-3, (128,), False)
    assert [name for name, _ in make_norm(ModelConfig(norm="layer")).named_parameters()] == ["weight"]
    assert isinstance(make_norm(ModelConfig(norm="none")), nn.Identity)


def test_heads_have_a_norm_of_their_width_or_none() -> None:
    norm = make_head_norm(ModelConfig(norm="none", norm_epsilon=1e-3))
    assert isinstance(norm, RMSNorm)
    assert (norm.weight.shape, norm.epsilon) == ((32,), 1e-3)
    assert isinstance(make_head_norm(ModelConfig(qk_norm=False)), nn.Identity)
