"""The Transformer in JavaScript computes what the one in Python does, for every part that a config can name."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from octavo.config import ModelConfig
from octavo.interpret.activations import run_with_cache, sites_of
from octavo.interpret.interventions import parse_target, zero_ablate
from octavo.model import Transformer
from octavo.model.weights import load_weights, named_weights
from octavo.reports.html.packed_model import Format, pack_weights, page_config

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

VOCABULARY, LENGTH = 61, 40
SIZES = {"n_layers": 2, "d_model": 32, "n_heads": 4, "d_ff": 48, "max_positions": 64}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {},
    "learned positions": {"position": "learned"},
    "sinusoidal positions": {"position": "sinusoidal", "position_base": 500.0},
    "no positions": {"position": "none"},
    "layer norm with biases": {"norm": "layer", "bias": True},
    "layer norm without biases": {"norm": "layer", "norm_epsilon": 1e-3},
    "post-norm": {"norm_order": "post", "norm": "layer", "qk_norm": False},
    "no norm": {"norm": "none", "n_layers": 1},
    "no residual": {"residual": False},
    "gelu": {"feedforward": "gelu", "bias": True},
    "relu": {"feedforward": "relu"},
    "grouped heads": {"n_kv_heads": 2, "d_head": 6},
    "one key/value head": {"n_kv_heads": 1, "position_base": 100.0, "n_layers": 3},
    "untied, odd sizes": {"tied_embeddings": False, "d_model": 27, "n_heads": 3, "d_head": 10, "d_ff": 31},
    "first Transformer": {
        "position": "sinusoidal",
        "norm": "layer",
        "norm_order": "post",
        "qk_norm": False,
        "feedforward": "relu",
        "bias": True,
        "tied_embeddings": False,
    },
}

LOGITS = """([config, tensors, ids]) => {
  const model = new octavo.engine.Transformer(config, octavo.engine.readWeights(tensors));
  const atOnce = model.forward(ids);
  const reader = new octavo.engine.Reader(model, ids.length);
  reader.read(ids.slice(0, 7)).read(ids);  // in two parts
  const cached = ids.flatMap((_, position) => [...reader.logits(position)]);
  return [[...atOnce], cached, reader.tokensComputed];
}"""


@torch.no_grad()
def rounded_model(kind: Format, **settings: Any) -> tuple[Transformer, dict[str, Any]]:
    """Return a model with random rounded weights, and the same ones packed."""
    model = Transformer(ModelConfig(**(SIZES | settings)), VOCABULARY)
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.normal_(1.0 if parameter.ndim == 1 else 0.0, 0.3, generator=generator)
    packed, weights = pack_weights(named_weights(model), kind)
    load_weights(model, weights)
    return model, packed


@pytest.fixture(scope="module")
def ids() -> list[int]:
    return torch.randint(VOCABULARY, (LENGTH,), generator=torch.Generator().manual_seed(2)).tolist()


def in_page(tab: "Tab", script: str, *values: Any) -> Any:
    return tab.evaluate(script, list(values))


def logits_of(model: Transformer, ids: list[int]) -> npt.NDArray[np.float64]:
    with torch.inference_mode():
        logits: npt.NDArray[np.float64] = model(torch.tensor([ids]))[0].double().numpy()
    return logits


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_are_those_of_pytorch(tab: "Tab", ids: list[int], name: str) -> None:
    model, packed = rounded_model("fp16", **ARCHITECTURES[name])
    expected = logits_of(model, ids)
    at_once, cached, computed = in_page(tab, LOGITS, page_config(model.config), packed, ids)
    assert computed == LENGTH
    assert np.abs(expected).max() > 2
    for found in (at_once, cached):
        assert np.abs(np.array(found).reshape(expected.shape) - expected).max() < 1e-4


def test_int8_weights_are_read_as_python_rounds_them(tab: "Tab", ids: list[int]) -> None:
    model, packed = rounded_model("int8", tied_embeddings=False)
    at_once, _, _ = in_page(tab, LOGITS, page_config(model.config), packed, ids)
    expected = logits_of(model, ids)
    assert np.abs(np.array(at_once).reshape(expected.shape) - expected).max() < 1e-4


def test_all_sites_have_the_activations_and_shapes_of_python(tab: "Tab", ids: list[int]) -> None:
    model, packed = rounded_model("fp16", n_kv_heads=2)
    expected = run_with_cache(model, torch.tensor([ids]), *sites_of(model))
    script = """([config, tensors, ids]) => {
      const { Transformer, readWeights, taps } = octavo.engine;
      const found = {};
      const sites = ["embedding", "blocks.*.attention.*", "blocks.*.feedforward.*", "blocks.*.output", "*"];
      new Transformer(config, readWeights(tensors)).forward(ids, { tap: taps.record(found, sites) });
      const finite = (x) => (x === -Infinity ? null : x);
      return Object.entries(found).map(([site, { shape, data }]) => [site, shape, Array.from(data, finite)]);
    }"""
    found = in_page(tab, script, page_config(model.config), packed, ids)
    assert [site for site, _, _ in found] == list(sites_of(model))  # in the same order
    for site, shape, data in found:
        assert shape == list(expected[site].shape[1:])
        values = np.array([-np.inf if x is None else x for x in data]).reshape(shape)
        np.testing.assert_allclose(values, expected[site][0].double().numpy(), atol=1e-4)


def test_ablation_is_that_of_python(tab: "Tab", ids: list[int]) -> None:
    model, packed = rounded_model("fp16")
    script = """([config, tensors, ids, targets]) => {
      const { Transformer, readWeights, taps, Reader } = octavo.engine;
      const model = new Transformer(config, readWeights(tensors));
      return targets.map((name) => {
        const tap = taps.ablate({ zero: [name] }, config, {});
        const reader = new Reader(model, ids.length, tap).read(ids.slice(0, 9)).read(ids);
        return [[...model.forward(ids, { tap })], ids.flatMap((_, position) => [...reader.logits(position)])];
      });
    }"""
    targets = ["blocks.0.attention.head.2", "blocks.1.feedforward.output", "blocks.1.attention.scores", "embedding"]
    found = in_page(tab, script, page_config(model.config), packed, ids, targets)
    unchanged = logits_of(model, ids)
    for name, both in zip(targets, found, strict=True):
        with torch.inference_mode():
            expected = model(torch.tensor([ids]), tap=zero_ablate(parse_target(name, model)))[0].numpy()
        assert np.abs(expected - unchanged).max() > 0.1
        for logits in both:
            assert np.abs(np.array(logits).reshape(expected.shape) - expected).max() < 1e-4


def test_after_an_edit_only_the_tokens_from_there_on_are_computed(tab: "Tab", ids: list[int]) -> None:
    model, packed = rounded_model("fp16")
    edited = [*ids[:25], (ids[25] + 1) % VOCABULARY, *ids[26:]]
    script = """([config, tensors, ids, edited]) => {
      const { Transformer, readWeights, Reader } = octavo.engine;
      const model = new Transformer(config, readWeights(tensors));
      const reader = new Reader(model, ids.length);
      const counts = [ids, edited, edited.slice(0, 30), edited, edited].map((text) => {
        const before = reader.tokensComputed;
        reader.read(text);
        return reader.tokensComputed - before;
      });
      return [counts, edited.flatMap((_, position) => [...reader.logits(position)])];
    }"""
    counts, logits = in_page(tab, script, page_config(model.config), packed, ids, edited)
    assert counts == [40, 15, 0, 10, 0]
    expected = logits_of(model, edited)
    assert np.abs(np.array(logits).reshape(expected.shape) - expected).max() < 1e-4
