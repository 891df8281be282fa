"""Logits to a distribution to a token: worked examples, and the frequencies of many draws."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.generate.decoding import logits_to_probs, sample

P = [0.5, 0.25, 0.15, 0.07, 0.03]
LOGITS = torch.tensor([P]).log()


def kept(**sampling: float) -> list[float]:
    values: dict[str, Any] = {
        name: int(v) if name == "top_k" else v for name, v in {"temperature": 1.0, **sampling}.items()
    }
    return [round(float(p), 6) for p in logits_to_probs(LOGITS, SamplingConfig(**values))[0]]


def shares(*p: float) -> list[float]:
    return [round(x / sum(p), 6) for x in (*p, *[0.0] * (5 - len(p)))]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({}, shares(*P)),
        ({"temperature": 0.5}, shares(*(p**2 for p in P))),
        ({"temperature": 2.0}, shares(*(p**0.5 for p in P))),
        ({"temperature": 0.0}, shares(1)),
        ({"temperature": 1e-40}, shares(1)),
        ({"top_k": 1}, shares(1)),
        ({"top_k": 3}, shares(*P[:3])),
        ({"top_k": 5}, shares(*P)),
        ({"top_k": 500}, shares(*P)),
        ({"top_p": 0.4}, shares(1)),
        ({"top_p": 0.51}, shares(*P[:2])),
        ({"top_p": 0.74}, shares(*P[:2])),
        ({"top_p": 0.76}, shares(*P[:3])),
        ({"top_p": 1e-6}, shares(1)),
        ({"min_p": 0.2}, shares(*P[:3])),
        ({"min_p": 0.6}, shares(1)),
        ({"min_p": 1.0}, shares(1)),
        ({"top_k": 4, "top_p": 0.9, "min_p": 0.31}, shares(*P[:2])),
        ({"top_k": 2, "top_p": 0.6}, shares(1)),  # of the two that are left the first has two thirds
        ({"temperature": 0.5, "top_p": 0.7}, shares(1)),  # the temperature comes before the filters
    ],
)
def test_worked_examples(sampling: dict[str, float], expected: list[float]) -> None:
    assert kept(**sampling) == pytest.approx(expected, abs=2e-6)


def test_the_order_of_the_vocabulary_does_not_matter() -> None:
    order = torch.tensor([3, 0, 4, 2, 1])
    sampling = SamplingConfig(temperature=1.0, top_k=4, top_p=0.9, min_p=0.1)
    shuffled = logits_to_probs(LOGITS[:, order], sampling)
    assert torch.allclose(shuffled, logits_to_probs(LOGITS, sampling)[:, order])


@pytest.mark.parametrize("k", [1, 2, 4])
def test_of_equally_likely_tokens_top_k_keeps_k(k: int) -> None:
    p = logits_to_probs(torch.zeros(2, 7), SamplingConfig(temperature=1.0, top_k=k))
    assert (p > 0).sum(-1).tolist() == [k, k]


def test_rows_do_not_mix() -> None:
    logits = torch.tensor([[0.0, 5.0, 1.0], [9.0, 0.0, 0.0]])
    sampling = SamplingConfig(temperature=0.7, top_p=0.9)
    together = logits_to_probs(logits, sampling)
    for row in range(2):
        assert torch.allclose(together[row], logits_to_probs(logits[row : row + 1], sampling)[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=9), st.floats(0, 3), st.integers(0, 9), st.floats(0.01, 1))
def test_any_filters_leave_a_distribution_with_the_likeliest_token(
    logits: list[float], temperature: float, k: int, p: float
) -> None:
    sampling = SamplingConfig(temperature=temperature, top_k=k, top_p=p, min_p=1 - p)
    found = logits_to_probs(torch.tensor([logits]), sampling)[0]
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert bool((found >= 0).all())
    likeliest = torch.tensor(logits) >= max(logits) - 1e-4 * max(temperature, 1e-3)
    assert bool((found[likeliest] > 0).any())
    if k > 0:
        assert int((found > 0).sum()) <= k


class TestChoose:
    def test_hits_the_frequencies(self) -> None:
        uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(1)).random(200_000))
        p = torch.tensor([[0.0, 0.5, 0.0, 0.3, 0.2, 0.0]])
        drawn = sample(p.expand(len(uniforms), -1), uniforms)
        counts = torch.bincount(drawn, minlength=6) / len(uniforms)
        assert counts[[0, 2, 5]].tolist() == [0, 0, 0]
        assert counts.tolist() == pytest.approx(p[0].tolist(), abs=0.005)

    @pytest.mark.parametrize(
        "p",
        [
            [0.0, 0.4, 0.6, 0.0],
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0],
            [0.0, 1e-30, 1.0, 0.0],
            [0.1] * 10 + [0.0],
        ],
    )
    @pytest.mark.parametrize("uniform", [0.0, 5e-324, 1e-12, 0.5, 1 - 2**-53, 1.0])
    def test_never_takes_what_cannot_be(self, p: list[float], uniform: float) -> None:
        token = int(sample(torch.tensor([p]), torch.tensor([uniform], dtype=torch.float64)))
        assert p[token] > 0

    def test_each_stream_has_its_own_number(self) -> None:
        p = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.0, 1.0]])
        assert sample(p, torch.tensor([0.2, 0.7, 0.2])).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", float("nan")),
        ("min_p", -0.1),
        ("min_p", 1.1),
        ("max_new_tokens", 0),
        ("seed", -1),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(OctavoError, match=rf"{name}=.* is out of range: "):
        SamplingConfig(**values)
