"""The linear layer: the same as torch.nn's, whichever way it is multiplied."""

import platform

import pytest
import torch
import torch.nn.functional as F

from octavo.model.layers import Linear, uses_onednn


def layer(bias: bool) -> Linear:
    made = Linear(24, 40, bias=bias)
    with torch.no_grad():
        for i, parameter in enumerate(made.parameters()):
            parameter.normal_(generator=torch.Generator().manual_seed(i))
    return made


def noise(*shape: int, seed: int = 9) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(8, 16, 24), (128, 24), (3, 24), (2, 2, 24)])
def test_it_is_torch_nns(shape: tuple[int, ...], bias: bool) -> None:
    made, x = layer(bias), noise(*shape).requires_grad_()
    parameters = [x, *made.parameters()]
    ours = made(x)
    expected = F.linear(x, made.weight, made.bias)
    assert ours.shape == expected.shape
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    upstream = noise(*expected.shape, seed=5)
    for gradient, wanted in zip(
        torch.autograd.grad(ours, parameters, upstream),
        torch.autograd.grad(expected, parameters, upstream),
        strict=True,
    ):
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-4)


def test_gradients_are_those_of_small_differences() -> None:
    made, x, upstream = layer(True), noise(100, 24), noise(100, 40, seed=3)
    with torch.no_grad():
        moved = made.weight.clone()
        moved[3, 5] += 0.5  # linear in the weight, so that any step is exact
        difference = ((F.linear(x, moved) - F.linear(x, made.weight)) * upstream).sum() / 0.5
    (gradient,) = torch.autograd.grad(made(x), [made.weight], upstream)
    assert gradient[3, 5] == pytest.approx(float(difference), rel=1e-4)


def test_where_onednn_multiplies() -> None:
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    assert uses_onednn(torch.zeros(4, 16, 24)) == x86
    assert not uses_onednn(torch.zeros(63, 24))
    assert not uses_onednn(torch.zeros(4, 16, 24, dtype=torch.bfloat16))
    assert not uses_onednn(torch.zeros(4, 16, 24, dtype=torch.float64))


def test_an_input_that_is_not_contiguous() -> None:
    made, x = layer(True), noise(24, 128).t()
    torch.testing.assert_close(made(x), F.linear(x, made.weight, made.bias), rtol=1e-5, atol=1e-5)


def test_second_derivatives_are_refused_where_there_are_none() -> None:
    made, x = layer(False), noise(100, 24).requires_grad_()
    (slope,) = torch.autograd.grad(made(x).square().sum(), x, create_graph=True)
    if uses_onednn(x):
        with pytest.raises(RuntimeError, match="differentiate twice"):
            torch.autograd.backward(slope.square().sum())
    else:
        torch.autograd.backward(slope.square().sum())
