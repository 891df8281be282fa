"""Distance, entropy and distance from even attention, by hand."""

import math

import numpy as np
import pytest
import torch

from octavo.interpret.attention_stats import (
    distance_from_uniform,
    entropy,
    mean_distance,
    uniform_entropy,
    uniform_pattern,
)


def test_even_attention() -> None:
    even = uniform_pattern(4)
    assert even.sum(-1).tolist() == pytest.approx([1] * 4)
    assert mean_distance(even).tolist() == pytest.approx([0, 0.5, 1, 1.5])
    assert entropy(even).tolist() == pytest.approx(uniform_entropy(4).tolist())
    assert uniform_entropy(4).tolist() == pytest.approx([0, 1, math.log2(3), 2])
    assert distance_from_uniform(even).tolist() == pytest.approx([0] * 4)


@pytest.mark.parametrize("key", ["first", "itself"])
def test_one_token_alone(key: str) -> None:
    alone = torch.eye(4) if key == "itself" else torch.eye(4)[[0] * 4]
    assert mean_distance(alone).tolist() == ([0] * 4 if key == "itself" else [0, 1, 2, 3])
    assert entropy(alone).tolist() == [0] * 4
    assert distance_from_uniform(alone).tolist() == pytest.approx([0, 1, 1, 1])


def test_of_many_heads_by_hand() -> None:
    pattern = torch.tensor([[1.0, 0, 0], [0.75, 0.25, 0], [0.5, 0.25, 0.25]])
    for figure, expected in (
        (mean_distance, [0, 0.75, 1.25]),
        (entropy, [0, 2 - 0.75 * math.log2(3), 1.5]),
        (distance_from_uniform, [0, 0.25 / 0.5, (1 / 6) / (2 / 3)]),
    ):
        found = figure(pattern.expand(2, 5, 3, 3))
        assert found.shape == (2, 5, 3)
        assert np.asarray(found[1, 4]) == pytest.approx(expected, abs=1e-6)
