"""Dropout's masks have the rate and the mean they should, and are a function of (seed, step)."""

from collections.abc import Callable

import pytest
import torch

from octavo.model import DropoutMasks, Transformer, no_dropout

Make = Callable[..., Transformer]
ONES = torch.ones(1000, 100)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.25])
def test_the_rate_and_the_mean(rate: float) -> None:
    dropped = DropoutMasks(0, [rate], ONES.numel()).of_step(0)(ONES, rate)
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0, 1 / (1 - rate)], rel=1e-4)


def test_masks_depend_on_seed_and_step_alone() -> None:
    masks = DropoutMasks(5, [0.3, 0.1], 6000)
    x = ONES[:60]
    backwards = {step: masks.of_step(step)(x, 0.3) for step in (4, 3, 2, 1, 0)}
    again = DropoutMasks(5, [0.1, 0.3], 6000)
    for step in range(5):
        assert torch.equal(again.of_step(step)(x, 0.3), backwards[step])
    assert len({tuple(mask.flatten().tolist()) for mask in backwards.values()}) == 5
    other = DropoutMasks(6, [0.3], 6000)
    assert not torch.equal(other.of_step(0)(x, 0.3), backwards[0])


def test_every_call_of_a_step_has_a_mask_of_its_own() -> None:
    drop = DropoutMasks(0, [0.5], 6000).of_step(0)
    first, second = drop(ONES[:60], 0.5), drop(ONES[:60], 0.5)
    agree = (first == second).float().mean().item()
    assert agree == pytest.approx(0.5, abs=0.05)


def test_neighbours_are_dropped_independently() -> None:
    mask = DropoutMasks(0, [0.5], ONES.numel()).of_step(0)(ONES, 0.5) > 0
    for shift in (1, 2, 3, 4, 100):
        flat = mask.flatten()
        assert (flat[shift:] == flat[:-shift]).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_rate_of_nothing_is_nothing() -> None:
    drop = DropoutMasks(0, [0.0], 100).of_step(0)
    assert drop(ONES, 0.0) is ONES
    assert no_dropout(ONES, 0.5) is ONES


def test_masks_have_the_shape_and_the_precision_of_what_they_fall_on() -> None:
    x = torch.ones(3, 4, 5, dtype=torch.bfloat16)
    dropped = DropoutMasks(0, [0.5], 60, dtype=torch.bfloat16).of_step(0)(x, 0.5)
    assert (dropped.shape, dropped.dtype) == (x.shape, torch.bfloat16)
    assert DropoutMasks(0, [0.5], 2**22 + 1).of_step(0)(torch.ones(2**22 + 1), 0.5).shape == (2**22 + 1,)


def test_dropping_is_a_function_of_the_seed_not_of_the_global_generator() -> None:
    before = torch.get_rng_state()
    DropoutMasks(0, [0.5], 100).of_step(0)(torch.ones(100), 0.5)
    assert torch.equal(torch.get_rng_state(), before)


@torch.no_grad()
def test_a_model_drops_what_it_should_where_it_should(make: Make, input_ids: torch.Tensor) -> None:
    """The embedding, then in each block what attention adds, the hidden layer and what the feed-forward adds."""
    model = make(dropout=0.1, hidden_dropout=0.2)
    seen = []

    def drop(x: torch.Tensor, rate: float) -> torch.Tensor:
        seen.append((x.shape[-1], rate))
        return x

    assert torch.equal(model(input_ids, drop=drop), model(input_ids))
    assert seen == [(16, 0.1), *[(16, 0.1), (24, 0.2), (16, 0.1)] * 2]


@torch.no_grad()
@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("call", range(7))
def test_what_is_dropped_reaches_the_logits(order: str, call: int, make: Make, input_ids: torch.Tensor) -> None:
    model = make(norm_order=order, dropout=0.1, hidden_dropout=0.2)
    calls = 0

    def drop(x: torch.Tensor, rate: float) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return x * torch.linspace(0, 1, x.shape[-1]) if calls == call + 1 else x

    assert (model(input_ids, drop=drop) - model(input_ids)).abs().max() > 1e-3


@torch.no_grad()
def test_a_training_step_can_be_repeated(make: Make, input_ids: torch.Tensor) -> None:
    model = make(dropout=0.1, hidden_dropout=0.2)
    masks = DropoutMasks(0, [0.1, 0.2], 3 * 12 * 24)
    first = model(input_ids, drop=masks.of_step(3))
    assert torch.equal(first, model(input_ids, drop=masks.of_step(3)))
    assert not torch.equal(first, model(input_ids, drop=masks.of_step(4)))
    assert not torch.equal(first, model(input_ids))
