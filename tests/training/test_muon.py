"""Muon, all matrices of a shape together, does what PyTorch's does one by one."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from octavo.training.muon import Muon, orthogonal

SHAPES = [(16, 16), (24, 16), (16, 24), (16, 16), (24, 16), (5, 40)]


def drawn(salt: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(salt)
    return [torch.randn(shape, generator=generator) for shape in SHAPES]


def test_it_moves_matrices_as_pytorchs_does() -> None:
    ours, theirs = ([torch.nn.Parameter(p.clone()) for p in drawn(0)] for _ in range(2))
    settings: dict[str, Any] = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    optimizers = [Muon(ours, **settings), torch.optim.Muon(theirs, **settings)]
    for step in range(1, 5):
        for parameters in (ours, theirs):
            for parameter, gradient in zip(parameters, drawn(step), strict=True):
                parameter.grad = gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other, start in zip(ours, theirs, drawn(0), strict=True):
        moved = (other - start).norm()
        assert (one - other).norm() < 0.02 * moved  # bf16 rounds a batch in another order
        assert moved > 0.01


@pytest.fixture
def threads() -> Iterator[None]:
    """As many as before, afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_however_many_threads_share_them_they_move_alike() -> None:
    moved = []
    for number in (1, 2, 3, 20):
        torch.set_num_threads(number)
        parameters = [torch.nn.Parameter(p.clone()) for p in drawn(0)]
        optimizer = Muon(parameters, lr=0.02, momentum=0.95, weight_decay=0.1)
        for step in range(1, 4):
            for parameter, gradient in zip(parameters, drawn(step), strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        assert torch.get_num_threads() == number
        moved.append(parameters)
    for parameters in moved[1:]:
        assert all(torch.allclose(*pair, rtol=0, atol=1e-3) for pair in zip(parameters, moved[0], strict=True))


def test_a_matrix_without_gradient_stays() -> None:
    parameter = torch.nn.Parameter(torch.ones(3, 3))
    Muon([parameter], lr=0.1, momentum=0.9, weight_decay=0.5).step()
    assert torch.equal(parameter.detach(), torch.ones(3, 3))


def test_what_comes_out_is_about_orthogonal() -> None:
    values = torch.linalg.svdvals(orthogonal(torch.stack(drawn(3)[:1] + drawn(3)[3:4])).float())
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_nothing_comes_of_nothing() -> None:
    assert not orthogonal(torch.zeros(2, 4, 4)).any()
