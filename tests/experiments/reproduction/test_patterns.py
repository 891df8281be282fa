"""Attention patterns of the report's texts."""

import numpy as np
import pytest

from octavo.experiments.reproduction.patterns import (
    largest_query_key_weight,
    pattern_distance_from_uniform,
    read_attention_texts,
)
from octavo.interpret.tokens import BOS_LABEL
from octavo.pipeline.run import Run


def test_each_text_is_cut_to_what_the_report_shows(reference: Run) -> None:
    read = {text.name: text.attention for text in read_attention_texts(reference)}
    assert list(read) == ["romeo", "to-be", "first-citizen"]
    assert [len(attention.passage.labels) for attention in read.values()] == [25, 15, 22]
    assert " ".join(read["to-be"].passage.labels) == "To be , or not to be : that is the que st ion :"
    for attention in read.values():
        length = len(attention.passage.labels)
        assert attention.patterns.shape == (2, 4, length, length)


def test_a_window_begins_with_the_start_token_where_there_is_one(trained: Run) -> None:
    labels = [text.attention.passage.labels for text in read_attention_texts(trained)]
    assert all(tokens[0] == BOS_LABEL for tokens in labels)
    assert max(map(len, labels)) == 25


class TestDistanceFromEven:
    def test_even_is_zero_and_one_token_alone_is_one(self) -> None:
        even = np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None]
        itself, first = np.eye(5), np.eye(5)[[0] * 5]
        distances = pattern_distance_from_uniform(np.stack([even, itself, first])[None].astype(np.float32))
        assert distances == pytest.approx(np.array([[0, 1, 1]]), abs=1e-6)

    def test_by_hand(self) -> None:
        pattern = np.array([[1, 0, 0], [0.75, 0.25, 0], [1 / 3, 1 / 3, 1 / 3]], np.float32)
        assert pattern_distance_from_uniform(pattern[None, None]) == pytest.approx(np.array([[(0.25 / 0.5 + 0) / 2]]))

    def test_a_single_token_has_no_choice(self) -> None:
        assert pattern_distance_from_uniform(np.ones((1, 2, 1, 1), np.float32)).tolist() == [[0, 0]]


def test_the_largest_query_or_key_weight(reference: Run) -> None:
    assert 0.99 / 128**0.5 < largest_query_key_weight(reference.model) <= 1 / 128**0.5, "PyTorch's first weights"
