"""The windows of a step are a function of (seed, step), and an epoch visits each window once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.data.batch_order import Batch, BatchOrder


def drawn(order: BatchOrder, steps: int) -> list[int]:
    return [i for step in range(steps) for i in order.batch(step).indices.tolist()]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 2**63 - 1), st.integers(1, 50), st.integers(1, 70))
def test_full_batches_visit_every_window_once_an_epoch(seed: int, windows: int, size: int) -> None:
    order = BatchOrder(seed, windows, size)
    steps = 3 * windows // size + 1
    indices = drawn(order, steps)
    assert len(indices) == steps * size
    for epoch in range(3):
        assert sorted(indices[epoch * windows : (epoch + 1) * windows]) == list(range(windows))
    assert order.steps_per_epoch == pytest.approx(windows / size)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 2**63 - 1), st.integers(1, 50), st.integers(1, 70))
def test_a_partial_last_batch_is_the_rest_of_the_epoch(seed: int, windows: int, size: int) -> None:
    order = BatchOrder(seed, windows, size, partial=True)
    steps = order.steps_per_epoch
    assert steps == int(steps) == -(-windows // size)
    for epoch in range(2):
        batches = [order.batch(int(steps) * epoch + i) for i in range(int(steps))]
        assert [len(b.indices) for b in batches[:-1]] == [size] * (int(steps) - 1)
        assert len(batches[-1].indices) == (windows - 1) % size + 1
        assert sorted(i for b in batches for i in b.indices.tolist()) == list(range(windows))
        assert all((b.epochs == epoch).all() for b in batches)


def test_a_batch_does_not_depend_on_those_drawn_before() -> None:
    def batches(steps: list[int]) -> dict[int, Batch]:
        order = BatchOrder(7, 20, 6, phases=5)
        return {step: order.batch(step) for step in steps}

    forward, backward = batches(list(range(40))), batches(list(range(39, -1, -1)))
    for step in range(40):
        for one, other in zip(forward[step], backward[step], strict=True):
            assert one.dtype == np.int64
            assert one.tolist() == other.tolist()


def test_seeds_and_epochs_have_different_orders() -> None:
    firsts = {tuple(drawn(BatchOrder(seed, 50, 50), 1)) for seed in (0, 1, 2, 2**31, 2**32, 2**63 - 1)}
    assert len(firsts) == 6
    order = BatchOrder(0, 50, 50)
    assert len({tuple(order.batch(step).indices.tolist()) for step in range(6)}) == 6
    assert order.batch(0).indices.tolist() != list(range(50))


def test_an_epoch_has_one_phase_and_a_batch_across_epochs_has_two() -> None:
    order = BatchOrder(3, 10, 4, phases=1000)
    phases = np.concatenate([order.batch(step).phases for step in range(25)]).reshape(10, 10)
    epochs = np.concatenate([order.batch(step).epochs for step in range(25)]).reshape(10, 10)
    assert (phases == phases[:, :1]).all()
    assert len(set(phases[:, 0].tolist())) == 10
    assert (epochs == np.arange(10)[:, None]).all()
    assert len(set(order.batch(2).phases.tolist())) == 2


def test_phases_stay_in_range_and_reach_all_of_it() -> None:
    order = BatchOrder(0, 1, 1, phases=4)
    phases = [int(order.batch(step).phases[0]) for step in range(200)]
    assert set(phases) == {0, 1, 2, 3}
    assert min(phases.count(phase) for phase in range(4)) > 25
    assert set(BatchOrder(0, 5, 2).batch(3).phases.tolist()) == {0}


def test_a_batch_can_be_longer_than_epochs() -> None:
    batch = BatchOrder(0, 3, 8).batch(1)
    assert batch.epochs.tolist() == [2, 3, 3, 3, 4, 4, 4, 5]
    assert sorted(batch.indices[1:4].tolist()) == [0, 1, 2]


def test_the_order_of_a_seed_never_changes() -> None:
    order = BatchOrder(42, 10, 4, phases=7)
    assert [order.batch(step).indices.tolist() for step in (0, 2, 1000)] == [[2, 0, 5, 6], [3, 9, 8, 9], [4, 2, 9, 5]]
    assert [order.batch(step).phases.tolist() for step in (0, 2, 1000)] == [[2] * 4, [2, 2, 1, 1], [6] * 4]
