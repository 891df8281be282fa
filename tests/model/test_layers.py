"""Linear, embedding and norm layers equal those of torch.nn, with their gradients."""

import platform

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from octavo.config import ModelConfig
from octavo.model.layers import Embedding, Linear, RMSNorm, make_head_norm, make_norm, uses_onednn


def linear_layer(bias: bool) -> Linear:
    layer = Linear(24, 40, bias=bias)
    with torch.no_grad():
        for i, parameter in enumerate(layer.parameters()):
            parameter.normal_(generator=torch.Generator().manual_seed(i))
    return layer


def random(*shape: int, seed: int = 9) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(8, 16, 24), (128, 24), (3, 24), (2, 2, 24)])
def test_linear_is_that_of_torch_with_its_gradients(shape: tuple[int, ...], bias: bool) -> None:
    layer, x = linear_layer(bias), random(*shape).requires_grad_()
    parameters = [x, *layer.parameters()]
    ours = layer(x)
    expected = F.linear(x, layer.weight, layer.bias)
    assert ours.shape == expected.shape
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    upstream = random(*expected.shape, seed=5)
    for gradient, wanted in zip(
        torch.autograd.grad(ours, parameters, upstream),
        torch.autograd.grad(expected, parameters, upstream),
        strict=True,
    ):
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-4)


def test_a_weight_gradient_is_the_difference_quotient() -> None:
    layer, x, upstream = linear_layer(True), random(100, 24), random(100, 40, seed=3)
    with torch.no_grad():
        moved = layer.weight.clone()
        moved[3, 5] += 0.5  # linear in the weight, so that any step is exact
        difference = ((F.linear(x, moved) - F.linear(x, layer.weight)) * upstream).sum() / 0.5
    (gradient,) = torch.autograd.grad(layer(x), [layer.weight], upstream)
    assert gradient[3, 5] == pytest.approx(float(difference), rel=1e-4)


def test_onednn_is_used_for_many_rows_of_fp32() -> None:
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    assert uses_onednn(torch.zeros(4, 16, 24)) == x86
    assert not uses_onednn(torch.zeros(63, 24))
    assert not uses_onednn(torch.zeros(4, 16, 24, dtype=torch.bfloat16))
    assert not uses_onednn(torch.zeros(4, 16, 24, dtype=torch.float64))


def test_an_input_need_not_be_contiguous() -> None:
    layer, x = linear_layer(True), random(24, 128).t()
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias), rtol=1e-5, atol=1e-5)


def test_second_derivatives_are_refused_with_onednn() -> None:
    layer, x = linear_layer(False), random(100, 24).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    if uses_onednn(x):
        with pytest.raises(RuntimeError, match="differentiate twice"):
            torch.autograd.backward(slope.square().sum())
    else:
        torch.autograd.backward(slope.square().sum())


def embedding(dtype: torch.dtype) -> Embedding:
    layer = Embedding(7, 16)
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(0))
    return layer.to(dtype)


def test_embedding_is_that_of_torch_with_its_gradient() -> None:
    layer, other = embedding(torch.float32), nn.Embedding(7, 16)
    other.weight = nn.Parameter(layer.weight.detach().clone())
    input_ids = torch.arange(60).view(3, 20) % 7
    assert torch.equal(layer(input_ids), other(input_ids))
    for one in (layer, other):
        one(input_ids).square().sum().backward()
    assert torch.equal(layer.weight.grad, other.weight.grad)  # type: ignore[arg-type]  # there is one


def test_the_gradient_of_a_frequent_token_is_exact_in_bf16() -> None:
    layer = embedding(torch.bfloat16)
    input_ids = torch.full((40, 50), 3)
    input_ids[0, 0] = 5
    layer(input_ids).backward(torch.full((40, 50, 16), 0.01, dtype=torch.bfloat16))
    gradient = layer.weight.grad
    assert gradient is not None
    assert gradient.dtype == torch.bfloat16
    assert gradient[3].float().mean().item() == pytest.approx(1999 * 0.01, rel=0.01)
    assert gradient[5].float().mean().item() == pytest.approx(0.01, rel=0.01)
    assert not gradient[[0, 1, 2, 4, 6]].any()


@pytest.mark.parametrize("epsilon", [1e-6, 1.1920929e-07, 0.1])
def test_rms_norm_is_that_of_torch_with_its_gradients(epsilon: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = RMSNorm(24, epsilon), nn.RMSNorm(24, eps=epsilon)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.linspace(-1, 2, 24))
    x = torch.randn(3, 5, 24, generator=generator) * torch.tensor([1e-3, 1.0, 30.0])[:, None, None]
    upstream = torch.randn(3, 5, 24, generator=generator)
    results = []
    for norm in (ours, theirs):
        leaf = x.clone().requires_grad_()
        out = norm(leaf)
        results.append((out, *torch.autograd.grad((out * upstream).sum(), (leaf, norm.weight))))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_rms_norm_of_zero_is_zero() -> None:
    assert torch.equal(RMSNorm(4, 1e-6)(torch.zeros(2, 4)), torch.zeros(2, 4))


def test_a_config_chooses_the_norm() -> None:
    assert isinstance(make_norm(ModelConfig(norm="rms")), RMSNorm)
    layer = make_norm(ModelConfig(norm="layer", norm_epsilon=1e-3, bias=True))
    assert isinstance(layer, nn.LayerNorm)
    assert (layer.eps, layer.normalized_shape, layer.bias is None) == (1e-3, (128,), False)
    assert [name for name, _ in make_norm(ModelConfig(norm="layer")).named_parameters()] == ["weight"]
    assert isinstance(make_norm(ModelConfig(norm="none")), nn.Identity)


def test_the_head_norm_has_the_width_of_a_head() -> None:
    norm = make_head_norm(ModelConfig(norm="none", norm_epsilon=1e-3))
    assert isinstance(norm, RMSNorm)
    assert (norm.weight.shape, norm.epsilon) == ((32,), 1e-3)
    assert isinstance(make_head_norm(ModelConfig(qk_norm=False)), nn.Identity)
