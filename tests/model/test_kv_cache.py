"""A cache holds the keys and values of earlier tokens, up to its capacity."""

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model import KeyValueCache, Transformer

CONFIG = ModelConfig(n_layers=2, d_model=16, n_heads=4, n_kv_heads=2, d_ff=8)


def test_each_layer_is_appended_to_and_positions_count_once() -> None:
    cache = KeyValueCache(CONFIG, 1, 5)
    first = torch.arange(16.0).view(1, 2, 2, 4)
    for layer in range(2):
        k, v = cache.layer(layer).append(first + layer, -first - layer)
        assert torch.equal(k, first + layer)
        assert torch.equal(v, -first - layer)
    cache.advance(2)
    second = torch.full((1, 2, 3, 4), 7.0)
    for layer in range(2):
        k, v = cache.layer(layer).append(second, second + 1)
        assert torch.equal(k, torch.cat((first + layer, second), dim=2))
        assert torch.equal(v, torch.cat((-first - layer, second + 1), dim=2))
    cache.advance(3)
    assert (cache.length, cache.capacity) == (5, 5)


@torch.no_grad()
def test_a_full_cache_refuses_more_and_keeps_what_it_holds() -> None:
    model = Transformer(CONFIG, 29)
    ids = torch.arange(8).view(1, 8)
    cache = KeyValueCache(CONFIG, 1, 6)
    model(ids[:, :4], cache=cache)
    with pytest.raises(ValueError, match=r"6 positions.* 7"):
        model(ids[:, 4:7], cache=cache)
    assert cache.length == 4
    torch.testing.assert_close(model(ids[:, 4:6], cache=cache), model(ids[:, :6])[:, 4:], atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match=r"6 positions.* 7"):
        model(ids[:, 6:7], cache=cache)


@torch.no_grad()
def test_a_cache_has_the_requested_data_type() -> None:
    model = Transformer(CONFIG, 29).to(torch.float64)
    ids = torch.arange(8).view(1, 8)
    cache = KeyValueCache(CONFIG, 1, 8, dtype=torch.float64)
    logits = torch.cat([model(ids[:, :5], cache=cache), model(ids[:, 5:], cache=cache)], 1)
    torch.testing.assert_close(logits, model(ids), atol=1e-12, rtol=1e-12)
