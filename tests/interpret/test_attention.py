"""What every head weighs: against a plain computation, and summed up."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from octavo.interpret.activations import run_with_cache
from octavo.interpret.attention import AttentionPatterns, measure_attention
from octavo.interpret.tokens import BOS_LABEL, Passage, read_passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

MakeModel = Callable[..., Transformer]
Array = npt.NDArray[np.float64]


def attention(pattern: list[list[float]]) -> AttentionPatterns:
    labels = tuple("abcdefgh"[: len(pattern)])
    return AttentionPatterns(
        Passage(tuple(range(len(pattern))), labels, has_bos=False), np.array([[pattern]], np.float32)
    )


class TestReading:
    def test_rows_sum_to_one_and_nobody_looks_ahead(self, make_model: MakeModel, bpe: Tokenizer) -> None:
        passage = read_passage(bpe, "To be, or not to be", max_tokens=10)
        read = measure_attention(make_model(bpe.vocab_size), passage)
        assert read.passage.labels[0] == BOS_LABEL
        assert read.patterns.shape == (2, 4, 10, 10)
        assert read.patterns.sum(-1) == pytest.approx(np.ones((2, 4, 10)), abs=1e-6)
        assert not np.triu(read.patterns, 1).any()

    def test_it_is_the_softmax_of_queries_and_keys(self, make_model: MakeModel, bpe: Tokenizer) -> None:
        model, passage = make_model(bpe.vocab_size), read_passage(bpe, "To be, or not to be", max_tokens=10)
        read = measure_attention(model, passage)
        recorded = run_with_cache(model, passage.input_ids, "embedding", "blocks.0.output")
        for layer, site in enumerate(("embedding", "blocks.0.output")):
            stream = recorded[site][0].double().numpy()
            for head in range(4):
                assert read.patterns[layer, head] == pytest.approx(plainly(model, stream, layer, head), abs=1e-5)


def plainly(model: Transformer, stream: Array, layer: int, head: int) -> Array:
    """The pattern of one head of a model with RMSNorm, QK-norm and rotary positions, weight by weight."""
    weights = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    own = {name.removeprefix(f"blocks.{layer}."): value for name, value in weights.items()}
    epsilon = model.config.norm_epsilon

    def norm(x: Array, scale: Array) -> Array:
        result: Array = x / np.sqrt((x * x).mean() + epsilon) * scale
        return result

    def turned(x: Array, position: int) -> Array:
        half = len(x) // 2
        result = x.copy()
        for i in range(half):
            angle = position / model.config.position_base ** (2 * i / len(x))
            result[i] = x[i] * np.cos(angle) - x[i + half] * np.sin(angle)
            result[i + half] = x[i + half] * np.cos(angle) + x[i] * np.sin(angle)
        return result

    def projected(kind: str, position: int) -> Array:
        rows = own[f"attention.{kind}.weight"].reshape(4, -1, stream.shape[-1])[head]
        x = norm(stream[position], own["attention_norm.weight"])
        return turned(norm(rows @ x, own[f"attention.{kind}_norm.weight"]), position)

    pattern = np.zeros((len(stream), len(stream)))
    for query in range(len(stream)):
        q = projected("q", query)
        scores = [q @ projected("k", key) / len(q) ** 0.5 for key in range(query + 1)]
        pattern[query, : query + 1] = np.exp(scores) / np.exp(scores).sum()
    return pattern


class TestHabits:
    def test_shares_distance_and_the_largest_weight_by_hand(self) -> None:
        pattern = [[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.3, 0.5, 0], [0, 0.6, 0.3, 0.1]]
        habit = attention(pattern).summary(0, 0)
        assert habit is not None
        assert (habit.first_token, habit.previous_token, habit.current_token) == pytest.approx((0.1, 0.3, 0.3))
        assert habit.distance == pytest.approx((0.2 * 2 + 0.3 + 0.6 * 2 + 0.3) / 2)
        assert habit.strongest == (3, 1)

    def test_two_tokens_leave_no_choice_to_tell_apart(self) -> None:
        assert attention([[1, 0], [0.5, 0.5]]).summary(0, 0) is None
