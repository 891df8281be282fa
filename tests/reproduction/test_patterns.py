"""Attention patterns of the report's texts."""

import numpy as np
import pytest
import torch

from octavo.model.attention import Attention
from octavo.reproduction.patterns import attention_patterns, distance_from_even, largest_query_key_weight, read_texts
from octavo.run import Run


def test_the_patterns_are_the_softmax_of_queries_and_keys(reference: Run) -> None:
    ids = [314, 80, 55, 33, 89, 51]
    patterns = attention_patterns(reference.model, ids)
    assert patterns.shape == (2, 4, 6, 6)
    model = reference.model
    with torch.inference_mode():
        x = model.positions.add(model.embedding(torch.tensor(ids)), 0)
        attention = model.blocks[0].attention
        assert isinstance(attention, Attention)
        q, k = (part(x).view(6, 4, 32).transpose(0, 1) for part in (attention.q, attention.k))
        scores = (q @ k.mT / 32**0.5).masked_fill(torch.ones(6, 6).tril() == 0, -1e9)
    assert patterns[0] == pytest.approx(scores.softmax(-1).numpy(), abs=1e-6)
    assert np.allclose(patterns.sum(-1), 1, atol=1e-6)
    assert not np.triu(patterns, 1).any()
    assert patterns[1].std() > 0.01


def test_each_text_is_cut_to_what_the_report_shows(reference: Run) -> None:
    read = {text.name: text for text in read_texts(reference)}
    assert list(read) == ["romeo", "to-be", "first-citizen"]
    assert [len(text.tokens) for text in read.values()] == [25, 15, 22]
    assert " ".join(read["to-be"].tokens) == "To be , or not to be : that is the que st ion :"
    assert all(text.patterns.shape == (2, 4, len(text.tokens), len(text.tokens)) for text in read.values())


def test_a_window_begins_with_the_start_token_where_there_is_one(trained: Run) -> None:
    read = read_texts(trained)
    assert all(text.tokens[0] == "<|endoftext|>" for text in read)
    assert max(len(text.tokens) for text in read) == 25


class TestDistanceFromEven:
    def test_even_is_zero_and_one_token_alone_is_one(self) -> None:
        even = np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None]
        itself, first = np.eye(5), np.eye(5)[[0] * 5]
        distances = distance_from_even(np.stack([even, itself, first])[None].astype(np.float32))
        assert distances == pytest.approx(np.array([[0, 1, 1]]), abs=1e-6)

    def test_by_hand(self) -> None:
        pattern = np.array([[1, 0, 0], [0.75, 0.25, 0], [1 / 3, 1 / 3, 1 / 3]], np.float32)
        assert distance_from_even(pattern[None, None]) == pytest.approx(np.array([[(0.25 / 0.5 + 0) / 2]]))

    def test_a_single_token_has_no_choice(self) -> None:
        assert distance_from_even(np.ones((1, 2, 1, 1), np.float32)).tolist() == [[0, 0]]


def test_the_largest_query_or_key_weight(reference: Run) -> None:
    assert 0.99 / 128**0.5 < largest_query_key_weight(reference.model) <= 1 / 128**0.5, "PyTorch's first weights"
