"""The paths of attention compute one function, and its pattern is causal."""

from collections.abc import Callable

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model import KeyValueCache, Transformer
from octavo.model.attention import Attention, attend, causal_mask, causal_scores, max_unfused_keys

LIMIT = max_unfused_keys(torch.float32)

Make = Callable[..., Transformer]


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def unchanged(site: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def test_the_mask_hides_later_keys() -> None:
    no = -torch.inf
    assert causal_mask(3, 3, torch.zeros(1)).tolist() == [[0, no, no], [0, 0, no], [0, 0, 0]]
    assert causal_mask(2, 4, torch.zeros(1)).tolist() == [[0, 0, 0, no], [0, 0, 0, 0]]
    assert causal_mask(1, 4, torch.zeros(1)).tolist() == [[0, 0, 0, 0]]
    assert causal_mask(2, 2, torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_scores_are_scaled_dot_products() -> None:
    q, k = random(2, 3, 4, 5), random(2, 3, 6, 5)
    scores = causal_scores(q, k)
    for t in range(4):
        for s in range(6):
            if s <= t + 2:
                torch.testing.assert_close(scores[..., t, s], (q[:, :, t] * k[:, :, s]).sum(-1) / 5**0.5)
            else:
                assert (scores[..., t, s] == -torch.inf).all()


@pytest.mark.parametrize("queries", [1, 2, 40])
@pytest.mark.parametrize("keys", [40, LIMIT, LIMIT + 1, LIMIT + 50])
def test_the_fast_path_is_the_formula(queries: int, keys: int) -> None:
    q, k, v = random(2, 3, queries, 8), random(2, 3, keys, 8), random(2, 3, keys, 6 + 2)
    torch.testing.assert_close(attend(q, k, v), causal_scores(q, k).softmax(-1) @ v, atol=1e-6, rtol=1e-5)
    all_queries = random(2, 3, keys, 8)
    torch.testing.assert_close(
        attend(all_queries, k, v), causal_scores(all_queries, k).softmax(-1) @ v, atol=1e-6, rtol=1e-5
    )


@torch.no_grad()
@pytest.mark.parametrize("length", [12, LIMIT, LIMIT + 30])
@pytest.mark.parametrize("kv_heads", [0, 1, 2])
def test_a_tap_that_changes_nothing_changes_nothing(length: int, kv_heads: int, make: Make) -> None:
    model = make(n_kv_heads=kv_heads)
    ids = torch.randint(29, (2, length), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(ids, tap=unchanged), model(ids), atol=1e-5, rtol=1e-5)
    fast, explicit = (KeyValueCache(model.config, 2, length) for _ in range(2))
    for chunk in torch.split(ids, [length - 5, 4, 1], dim=1):
        torch.testing.assert_close(
            model(chunk, cache=fast), model(chunk, cache=explicit, tap=unchanged), atol=1e-5, rtol=1e-5
        )


def test_both_paths_have_the_same_gradients(make: Make, input_ids: torch.Tensor) -> None:
    model = make(n_kv_heads=2)
    gradients = []
    for tap in (None, unchanged):
        loss = model(input_ids, tap=tap).square().mean()
        gradients.append(torch.autograd.grad(loss, list(model.parameters())))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_key_value_heads_are_shared_by_neighbouring_heads(make: Make) -> None:
    """Query heads 0 and 1 share key/value head 0, heads 2 and 3 share head 1."""
    config = make(n_kv_heads=2, qk_norm=False, position="none").config
    grouped, full = Attention(config), Attention(ModelConfig(d_model=16, qk_norm=False, position="none"))
    with torch.no_grad():
        for name in ("q", "output"):
            getattr(full, name).weight.copy_(getattr(grouped, name).weight)
        for name in ("k", "v"):
            heads = getattr(grouped, name).weight.view(2, 4, 16)
            getattr(full, name).weight.copy_(heads[[0, 0, 1, 1]].reshape(16, 16))
    x = random(2, 9, 16)
    torch.testing.assert_close(grouped(x, unrotated), full(x, unrotated))


def test_a_head_can_have_a_width_of_its_own(make: Make, input_ids: torch.Tensor) -> None:
    model = make(d_head=6)
    assert model.get_parameter("blocks.0.attention.q.weight").shape == (24, 16)
    assert model(input_ids).shape == (3, 12, 29)


def unrotated(x: torch.Tensor) -> torch.Tensor:
    return x
