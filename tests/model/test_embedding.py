"""Rows of a matrix; and their gradient, which bf16 must not spoil."""

import pytest
import torch
from torch import nn

from octavo.model.layers import Embedding


def layer(dtype: torch.dtype) -> Embedding:
    made = Embedding(7, 16)
    with torch.no_grad():
        made.weight.normal_(generator=torch.Generator().manual_seed(0))
    return made.to(dtype)


def test_it_is_torch_nns() -> None:
    made, other = layer(torch.float32), nn.Embedding(7, 16)
    other.weight = nn.Parameter(made.weight.detach().clone())
    input_ids = torch.arange(60).view(3, 20) % 7
    assert torch.equal(made(input_ids), other(input_ids))
    for one in (made, other):
        one(input_ids).square().sum().backward()
    assert torch.equal(made.weight.grad, other.weight.grad)  # type: ignore[arg-type]  # there is one


def test_a_frequent_tokens_gradient_is_whole_in_bf16() -> None:
    made = layer(torch.bfloat16)
    input_ids = torch.full((40, 50), 3)
    input_ids[0, 0] = 5
    made(input_ids).backward(torch.full((40, 50, 16), 0.01, dtype=torch.bfloat16))
    gradient = made.weight.grad
    assert gradient is not None
    assert gradient.dtype == torch.bfloat16
    assert gradient[3].float().mean().item() == pytest.approx(1999 * 0.01, rel=0.01)
    assert gradient[5].float().mean().item() == pytest.approx(0.01, rel=0.01)
    assert not gradient[[0, 1, 2, 4, 6]].any()
