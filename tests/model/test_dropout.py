"""Dropout masks have the right rate and mean, and are a function of (seed, step)."""

from collections.abc import Callable, Sequence

import pytest
import torch

from octavo.model import DropoutFn, DropoutMasks, Transformer, no_dropout
from octavo.model.dropout import apply_mask

Make = Callable[..., Transformer]
ONES = torch.ones(1000, 100)


def dropped_from(x: torch.Tensor, drop: DropoutFn, rate: float) -> torch.Tensor:
    return apply_mask(x, drop(x.shape, rate))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.25])
def test_the_rate_and_the_mean(rate: float) -> None:
    dropped = dropped_from(ONES, DropoutMasks(0, [rate], ONES.numel()).masks_for_step(0), rate)
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0, 1 / (1 - rate)], rel=1e-4)


def test_masks_depend_on_seed_and_step_alone() -> None:
    masks = DropoutMasks(5, [0.3, 0.1], 6000)
    x = ONES[:60]
    backwards = {step: dropped_from(x, masks.masks_for_step(step), 0.3) for step in (4, 3, 2, 1, 0)}
    again = DropoutMasks(5, [0.1, 0.3], 6000)
    for step in range(5):
        assert torch.equal(dropped_from(x, again.masks_for_step(step), 0.3), backwards[step])
    assert len({tuple(mask.flatten().tolist()) for mask in backwards.values()}) == 5
    other = DropoutMasks(6, [0.3], 6000)
    assert not torch.equal(dropped_from(x, other.masks_for_step(0), 0.3), backwards[0])


def test_every_call_of_a_step_gets_another_mask() -> None:
    drop = DropoutMasks(0, [0.5], 6000).masks_for_step(0)
    first, second = dropped_from(ONES[:60], drop, 0.5), dropped_from(ONES[:60], drop, 0.5)
    agree = (first == second).float().mean().item()
    assert agree == pytest.approx(0.5, abs=0.05)


def test_neighbours_are_dropped_independently() -> None:
    mask = dropped_from(ONES, DropoutMasks(0, [0.5], ONES.numel()).masks_for_step(0), 0.5) > 0
    for shift in (1, 2, 3, 4, 100):
        flat = mask.flatten()
        assert (flat[shift:] == flat[:-shift]).float().mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_the_mean_is_exact_in_bf16_where_the_scale_is_rounded(rate: float) -> None:
    mask = DropoutMasks(0, [rate], 2**23, torch.bfloat16).masks_for_step(0)([2**23], rate)
    assert mask is not None
    assert mask.double().mean().item() == pytest.approx(1, abs=5e-4)
    assert (mask == 0).float().mean().item() == pytest.approx(rate, abs=0.004)


def test_a_rate_of_zero_drops_nothing() -> None:
    drop = DropoutMasks(0, [0.0], 100).masks_for_step(0)
    assert dropped_from(ONES, drop, 0.0) is ONES
    assert dropped_from(ONES, no_dropout, 0.5) is ONES


def test_masks_have_the_shape_and_the_data_type_of_the_activations() -> None:
    x = torch.ones(3, 4, 5, dtype=torch.bfloat16)
    dropped = dropped_from(x, DropoutMasks(0, [0.5], 60, dtype=torch.bfloat16).masks_for_step(0), 0.5)
    assert (dropped.shape, dropped.dtype) == (x.shape, torch.bfloat16)
    assert dropped_from(torch.ones(2**22 + 1), DropoutMasks(0, [0.5], 2**22 + 1).masks_for_step(0), 0.5).shape == (
        2**22 + 1,
    )


def test_masks_do_not_use_the_global_generator() -> None:
    before = torch.get_rng_state()
    dropped_from(torch.ones(100), DropoutMasks(0, [0.5], 100).masks_for_step(0), 0.5)
    assert torch.equal(torch.get_rng_state(), before)


@torch.no_grad()
def test_dropout_is_applied_at_the_right_sites(make: Make, input_ids: torch.Tensor) -> None:
    """The embedding, then in each block the attention output, the hidden layer and the feed-forward output."""
    model = make(dropout=0.1, hidden_dropout=0.2)
    seen = []

    def drop(shape: Sequence[int], rate: float) -> None:
        seen.append((shape[-1], rate))

    assert torch.equal(model(input_ids, drop=drop), model(input_ids))
    assert seen == [(16, 0.1), *[(16, 0.1), (24, 0.2), (16, 0.1)] * 2]


@torch.no_grad()
@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("call", range(7))
def test_every_mask_affects_the_logits(order: str, call: int, make: Make, input_ids: torch.Tensor) -> None:
    model = make(norm_order=order, dropout=0.1, hidden_dropout=0.2)
    calls = 0

    def drop(shape: Sequence[int], rate: float) -> torch.Tensor | None:
        nonlocal calls
        calls += 1
        return torch.linspace(0, 1, shape[-1]).expand(*shape).contiguous() if calls == call + 1 else None

    assert (model(input_ids, drop=drop) - model(input_ids)).abs().max() > 1e-3


@torch.no_grad()
def test_a_training_step_can_be_repeated(make: Make, input_ids: torch.Tensor) -> None:
    model = make(dropout=0.1, hidden_dropout=0.2)
    masks = DropoutMasks(0, [0.1, 0.2], 3 * 12 * 24)
    first = model(input_ids, drop=masks.masks_for_step(3))
    assert torch.equal(first, model(input_ids, drop=masks.masks_for_step(3)))
    assert not torch.equal(first, model(input_ids, drop=masks.masks_for_step(4)))
    assert not torch.equal(first, model(input_ids))
