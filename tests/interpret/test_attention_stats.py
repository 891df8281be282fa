"""Sums of attention, against loops over the patterns."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from octavo.interpret import attention_stats as looking
from octavo.interpret.attention import measure_attention
from octavo.interpret.attention_stats import attention_stats
from octavo.interpret.tokens import Passage
from octavo.model import Transformer

MakeModel = Callable[..., Transformer]
WINDOWS, LENGTH = 5, 9


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    return torch.randint(0, 40, (WINDOWS, LENGTH), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def masks() -> np.ndarray:
    """Three kinds: some keys of some queries, one key of the first window alone, and none."""
    random = np.random.default_rng(2).random((WINDOWS, 3, LENGTH, LENGTH)) < 0.2
    random[:, 1:] = False
    random[0, 1, 5, 2] = True
    return np.tril(random)


@pytest.mark.parametrize("at_once", [1 << 23, 1])
def test_shares_are_means_over_the_queries_that_have_a_key(
    make_model: MakeModel, inputs: torch.Tensor, masks: np.ndarray, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_MAX_WEIGHTS", at_once)
    model = make_model(40)
    looked = attention_stats(model, inputs, lambda rows: masks[rows])
    for layer, head in ((0, 0), (1, 3)):
        shares, even = [], []
        for row, ids in enumerate(inputs.tolist()):
            pattern = measure_attention(model, Passage(tuple(ids), (), has_bos=False)).patterns[layer, head]
            for query in range(LENGTH):
                if masks[row, 0, query].any():
                    shares.append(pattern[query][masks[row, 0, query]].sum())
                    even.append(masks[row, 0, query].sum() / (query + 1))
        some, once, never = looked.target_fractions(layer, head)
        assert some is not None
        assert some.measured.n == WINDOWS
        assert some.measured.mean == pytest.approx(np.mean(shares), abs=1e-6)
        assert some.uniform == pytest.approx(np.mean(even), abs=1e-6)
        assert once is not None
        assert (once.measured.n, once.measured.low) == (1, None)
        assert once.uniform == pytest.approx(1 / 6)
        assert never is None


def test_spread_leaves_out_the_first_query(make_model: MakeModel, inputs: torch.Tensor, masks: np.ndarray) -> None:
    model = make_model(40)
    distance, entropy, relative, far = attention_stats(model, inputs, lambda rows: masks[rows]).spread(1, 2)
    patterns = np.stack(
        [
            measure_attention(model, Passage(tuple(ids), (), has_bos=False)).patterns[1, 2, 1:]
            for ids in inputs.tolist()
        ]
    ).astype(np.float64)
    places, seen = np.arange(LENGTH), np.arange(2, LENGTH + 1)
    bits = -(patterns * np.log2(np.where(patterns > 0, patterns, 1))).sum(-1)
    away = np.abs(patterns - np.tril(np.ones((LENGTH, LENGTH)))[1:] / seen[:, None]).sum(-1) / 2
    expected = [
        (places[1:] - patterns @ places).mean(),
        bits.mean(),
        (bits / np.log2(seen)).mean(),
        (away / (1 - 1 / seen)).mean(),
    ]
    assert [found.mean for found in (distance, entropy, relative, far)] == pytest.approx(expected, abs=1e-5)
    assert distance.n == WINDOWS
    assert distance.low is not None
    assert distance.low < distance.mean
