"""The generation kernels agree with PyTorch for every kind of layer, every filter and each build."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from octavo.config import ModelConfig, OptimizerConfig
from octavo.config.inference import SamplingConfig
from octavo.generate import decoding
from octavo.generate.decoding import logits_to_probs, packed_weights, sample
from octavo.generate.native import PackedWeights
from octavo.generate.streams import ContextWindow, Request
from octavo.kernels import decoding as native
from octavo.kernels.library import library
from octavo.model import Transformer
from octavo.training.optimizers import Optimizers

if library() is None:
    pytest.skip(
        "no kernels: no compiler, not an x86-64 CPU, or OCTAVO_NATIVE=0",
        allow_module_level=True,
    )

CONTEXT, VOCAB = 21, 257
GREEDY = SamplingConfig(temperature=0.0, max_new_tokens=60)
DRAWN = SamplingConfig(temperature=1.0, max_new_tokens=60)
PROMPTS = [[5, 3], [9, 9, 1, 4, 7], [2], [8] * 20, list(range(1, 51)), [3, 1] * 20]
SMALL: dict[str, Any] = {"n_layers": 2, "d_model": 32, "n_heads": 4, "d_ff": 48, "max_positions": 64}
REFERENCE: dict[str, Any] = {
    "position": "sinusoidal",
    "position_base": 500.0,
    "norm_order": "post",
    "qk_norm": False,
    "feedforward": "relu",
    "bias": True,
    "tied_embeddings": False,
    "initialisation": "pytorch",
}
MODELS: dict[str, dict[str, Any]] = {
    "pocket": {},
    "reference": REFERENCE,
    "learned": {"position": "learned", "norm": "layer", "feedforward": "gelu", "bias": True},
    "layer norm without bias": {"norm": "layer", "feedforward": "gelu", "norm_epsilon": 0.1},
    "no norm": {"norm": "none", "position": "none", "norm_epsilon": 0.3},
    "no norm after": {"norm": "none", "norm_order": "post", "feedforward": "relu"},
    "no residual": {"residual": False, "norm_epsilon": 1e-3},
    "no residual, norms after": {"residual": False, "norm_order": "post", "norm": "layer", "bias": True},
    "shared heads": {"n_kv_heads": 2, "bias": True},
    "one key head, untied": {"n_kv_heads": 1, "tied_embeddings": False},
    "odd sizes": {"d_model": 37, "n_heads": 3, "d_head": 6, "d_ff": 41, "bias": True},
    "odd sizes, norms after": {**REFERENCE, "d_model": 33, "n_heads": 3, "d_ff": 19, "norm": "layer"},
    "wide heads": {"n_heads": 2, "d_head": 72, "n_layers": 1},
    "wide": {"d_model": 144, "n_heads": 3, "d_ff": 200, "n_layers": 3},
}


pytestmark = pytest.mark.usefixtures("build")


def model(vocab: int = VOCAB, **parts: Any) -> Transformer:
    built = Transformer(ModelConfig(**{**SMALL, "dropout": 0.0, **parts}), vocab, seed=4)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for (
            weight
        ) in built.parameters():  # no bias stays 0, no norm weight 1, and the distribution is far from uniform
            weight.add_(torch.randn(weight.shape, generator=random) * (0.2 if weight.ndim > 1 else 0.4))
    return built


def decode(
    of: Transformer,
    prompts: list[list[int]],
    sampling: SamplingConfig,
    bos_id: int | None = 0,
    *,
    reference: bool = False,
) -> list[list[int]]:
    seeds = [(7, i) for i in range(len(prompts))]
    with pytest.MonkeyPatch.context() as patch:
        if reference:
            patch.setattr(decoding, "packed_weights", lambda *_, **__: None)
        chunks = decoding.decode(of, Request(prompts, ContextWindow(CONTEXT, bos_id), sampling, seeds))
        columns = zip(*chunks, strict=True)
        return [[token for tokens in column for token in tokens] for column in columns]


def logits_after(of: Transformer, prompt: list[int]) -> torch.Tensor:
    """Return the kernels' logits after a prompt that fits into the context."""
    arrays = {name: weight.detach().numpy() for name, weight in of.named_parameters()}
    weights = PackedWeights(of.config, of.vocab_size, arrays, CONTEXT, with_bos=False)
    window = np.array([*prompt, *[0] * (CONTEXT + 1 - len(prompt))], dtype=np.int32)
    cache = native.aligned(1, weights.cache_numbers)
    cache[:] = np.nan  # the memory's earlier content must not matter
    stream = native.CStream(len(prompt), 0, len(prompt), 0, window.ctypes.data, cache.ctypes.data)
    logits = np.empty((1, of.vocab_size), dtype=np.float32)
    array = (native.CStream * 1)(stream)
    native.decode_streams(weights.struct, array, 1, GREEDY, np.zeros((1, 1)), threads=1, logits=logits)
    return torch.from_numpy(logits[0])


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_those_of_pytorch(name: str) -> None:
    of = model(**MODELS[name])
    for prompt in ([3], [5, 3, 200], [*range(100, 118)], [9] * CONTEXT):
        with torch.inference_mode():
            expected = of(torch.tensor([prompt]))[0, -1]
        logits = logits_after(of, prompt)
        assert (logits - expected).abs().max() <= 2e-5 * max(1, float(expected.abs().max()))


@pytest.mark.parametrize("bos_id", [0, None])
@pytest.mark.parametrize("name", MODELS)
def test_tokens_are_those_of_pytorch_also_past_the_context(name: str, bos_id: int | None) -> None:
    of = model(**MODELS[name])
    for sampling in (GREEDY, DRAWN):
        assert decode(of, PROMPTS, sampling, bos_id) == reference_tokens(name, sampling, bos_id)


@cache
def reference_tokens(name: str, sampling: SamplingConfig, bos_id: int | None) -> list[list[int]]:
    return decode(model(**MODELS[name]), PROMPTS, sampling, bos_id, reference=True)


def test_more_rows_than_a_forward_pass_takes() -> None:
    of = model()
    prompts = [[i, 2 * i % VOCAB] * (1 + i % 9) for i in range(40)]
    together = decode(of, prompts, DRAWN)
    assert together == decode(of, prompts, DRAWN, reference=True)


def test_tokens_depend_neither_on_threads_nor_on_other_streams() -> None:
    of = model(feedforward="gelu")
    alone = decode(of, [[4, 2]] * 23, DRAWN)
    assert len(set(map(tuple, alone))) == 23
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            for count in (23, 5, 1):
                assert decode(of, [[4, 2]] * count, DRAWN) == alone[:count]
    finally:
        torch.set_num_threads(before)


FILTERS = [
    {},
    {"temperature": 0.0},
    {"temperature": 1e-5},
    {"temperature": 0.3},
    {"temperature": 5.0},
    {"top_k": 1},
    {"top_k": 5},
    {"top_k": 40},
    {"top_k": 10_000},
    {"top_p": 1e-6},
    {"top_p": 0.3},
    {"top_p": 0.9},
    {"top_p": 0.999},
    {"min_p": 0.05},
    {"min_p": 1.0},
    {"temperature": 1.7, "top_k": 60, "top_p": 0.9, "min_p": 0.02},
    {"temperature": 0.6, "top_k": 7, "top_p": 0.5},
]


@pytest.mark.parametrize("vocab", [2, 16, 61, 512, 3001])
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_sampling_is_that_of_pytorch(filters: dict[str, Any], vocab: int) -> None:
    sampling = SamplingConfig(**{"temperature": 1.0, **filters})
    random = np.random.default_rng(vocab)
    for spread in (0.01, 1.0, 6.0):
        logits = torch.from_numpy(random.normal(scale=spread, size=(20, vocab)).astype(np.float32))
        p = logits_to_probs(logits, sampling)
        edges, uniforms = p.double().cumsum(-1), random.random(20)
        chosen = sample(p, torch.from_numpy(uniforms)).tolist()
        for row, (uniform, expected) in enumerate(zip(uniforms, chosen, strict=True)):
            token = native.sample_token(logits[row].tolist(), sampling, uniform)
            if token != expected:  # allowed where `uniform` is at the edge between the two, up to rounding
                target, edge = uniform * float(edges[row, -1]), float(edges[row, min(token, expected)])
                assert abs(target - edge) < 1e-5, (token, expected)


@pytest.mark.parametrize("filters", [{"top_k": 3}, {"top_p": 0.45}, {"top_k": 5, "top_p": 0.5}, {"min_p": 0.5}, {}])
def test_as_many_equally_likely_tokens_are_kept_as_in_pytorch(filters: dict[str, Any]) -> None:
    sampling = SamplingConfig(**{"temperature": 1.0, **filters})
    logits = [2.0, 1.0, 2.0, 2.0, 1.0, 2.0, -50.0, 2.0, 1.0]
    drawn = [native.sample_token(logits, sampling, uniform) for uniform in np.linspace(0, 1, 400, endpoint=False)]
    p = logits_to_probs(torch.tensor([logits]), sampling)[0]
    frequencies = sorted(drawn.count(token) / 400 for token in range(9))
    assert frequencies == pytest.approx(sorted(p.tolist()), abs=0.006)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("bad", [[np.nan] * 5, [1.0, np.nan, 2.0], [np.inf, 1.0], [-np.inf] * 20, [np.inf, -np.inf]])
def test_logits_that_are_not_finite_still_give_a_token_of_the_vocabulary(
    filters: dict[str, Any], bad: list[float]
) -> None:
    sampling = SamplingConfig(**{"temperature": 1.0, **filters})
    for uniform in (0.0, 0.5, 1 - 2**-53):
        assert 0 <= native.sample_token(bad, sampling, uniform) < len(bad)


def test_weights_are_packed_once_and_again_when_they_change() -> None:
    of = model()
    first = packed_weights(of, CONTEXT, with_bos=True)
    assert packed_weights(of, CONTEXT, with_bos=True) is first
    assert packed_weights(of, CONTEXT, with_bos=False) is not first
    before = decode(of, [[1, 2]], GREEDY)
    with torch.no_grad():
        of.embedding.weight.mul_(-1)
    assert decode(of, [[1, 2]], GREEDY) == decode(of, [[1, 2]], GREEDY, reference=True) != before


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_weights_that_an_optimizer_changed_are_packed_again(kind: Any) -> None:
    of = model()
    optimizers = Optimizers(of, OptimizerConfig(kind=kind, learning_rate=0.3, matrix_learning_rate=0.3))
    before = decode(of, [[1, 2]], GREEDY)
    for parameter in of.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5))
    optimizers.step(1.0)
    assert decode(of, [[1, 2]], GREEDY) == decode(of, [[1, 2]], GREEDY, reference=True) != before


def test_other_numbers_than_fp32_and_tables_too_short_are_left_to_the_twin() -> None:
    assert packed_weights(model().bfloat16(), CONTEXT, with_bos=True) is None
    assert packed_weights(model(position="learned", max_positions=CONTEXT - 1), CONTEXT, with_bos=True) is None


@pytest.mark.parametrize("prompt", [[VOCAB], [-1], [1, 10**6]])
def test_tokens_that_there_are_not_are_refused(prompt: list[int]) -> None:
    with pytest.raises(ValueError, match="257"):
        decode(model(), [[1], prompt], GREEDY)
    with pytest.raises(ValueError, match="empty"):
        decode(model(), [[]], GREEDY, None)


def test_chunks_add_up_to_the_requested_tokens() -> None:
    for count in (1, 2, 3, 31, 64, 100):
        assert len(decode(model(), [[1]], replace(DRAWN, max_new_tokens=count))[0]) == count


@pytest.mark.parametrize(
    ("uniforms", "logits"),
    [
        (np.zeros((1, 3)), None),
        (np.zeros((2, 2)), None),
        (np.zeros((1, 2)), np.zeros((1, VOCAB + 1), np.float32)),
        (np.zeros((1, 2)), np.zeros((1, VOCAB))),
        (np.zeros((1, 2)), np.zeros((VOCAB, 1), np.float32).T[:, ::-1]),
    ],
)
def test_arrays_that_the_kernel_would_misread_are_refused(uniforms: Any, logits: Any) -> None:
    struct = native.CTransformer(vocab=VOCAB)
    with pytest.raises(ValueError, match=r"shape|contiguous"):
        native.decode_streams(struct, (native.CStream * 1)(), 2, GREEDY, uniforms, threads=1, logits=logits)
