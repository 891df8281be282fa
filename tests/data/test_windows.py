"""A window is a slice of the tokens; its targets are the slice that begins one token later."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.config import load_preset
from octavo.data.batch_order import BatchOrder
from octavo.data.windows import Windows, with_bos

IDS = np.arange(1000, 1100, dtype=np.uint16)


def test_gathering_is_slicing() -> None:
    windows = Windows(IDS, 7, 5)
    indices = np.array([3, 0, 18, 3])
    inputs, targets = windows.gather(indices)
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.shape == targets.shape == (4, 7)
    for row, index in enumerate(indices.tolist()):
        start = index * 5
        assert inputs[row].tolist() == IDS[start : start + 7].tolist()
        assert targets[row].tolist() == IDS[start + 1 : start + 8].tolist()


def test_each_window_is_shifted_by_its_phase() -> None:
    windows = Windows(IDS, 4, 6, phases=6)
    inputs, targets = windows.gather(np.array([2, 2, 0]), np.array([0, 5, 3]))
    assert inputs[:, 0].tolist() == [1012, 1017, 1003]
    assert targets[:, -1].tolist() == [1016, 1021, 1007]
    assert windows.gather(np.array([2]), 5)[0][0, 0] == 1017


def test_the_bos_token_replaces_the_first_input() -> None:
    base_inputs, base_targets = Windows(IDS, 7, 5).gather(np.array([0, 4]))
    inputs, targets = Windows(IDS, 7, 5, bos_id=9).gather(np.array([0, 4]))
    assert inputs[:, 0].tolist() == [9, 9]
    assert torch.equal(inputs[:, 1:], base_inputs[:, 1:])
    assert torch.equal(targets, base_targets)
    assert targets[1, 0] == 1021  # the first real token is predicted too


def test_with_bos_does_not_change_its_argument() -> None:
    tokens = torch.arange(6).view(2, 3)
    assert with_bos(tokens, 7).tolist() == [[7, 1, 2], [7, 4, 5]]
    assert tokens[0, 0] == 0
    assert with_bos(tokens, None) is tokens


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_the_count_is_of_all_windows_that_fit_at_every_phase(
    tokens: int, context: int, stride: int, phases: int
) -> None:
    ids = np.arange(tokens, dtype=np.uint16)
    windows = Windows(ids, context, stride, phases=phases)
    fitting = 0
    while fitting * stride + (phases - 1) + context + 1 <= tokens:
        fitting += 1
    assert len(windows) == fitting
    if fitting:
        _, targets = windows.gather(np.array([fitting - 1]), phases - 1)
        assert targets[0, -1] == (fitting - 1) * stride + phases - 1 + context


def test_the_counts_of_the_course_report() -> None:
    data = load_preset("reference").data
    train = Windows(np.zeros(358_503, np.uint16), data.context_length, data.window_stride)
    validation = Windows(np.zeros(89_626, np.uint16), data.context_length, data.window_stride)
    assert (len(train), len(validation)) == (358_453, 89_576)
    steps = [BatchOrder(0, len(w), data.batch_size, partial=True).steps_per_epoch for w in (train, validation)]
    assert steps == [5_601, 1_400]


def test_a_window_past_the_end_is_an_error_not_a_wrong_window() -> None:
    windows = Windows(IDS, 7, 5)
    with pytest.raises(IndexError):
        windows.gather(np.array([len(windows)]))
