"""Every documented site is shown once a pass, in order, and what a tap returns is what goes on."""

from collections.abc import Callable

import pytest
import torch

from octavo.model import KeyValueCache, Transformer
from octavo.model.taps import tapped, within

Make = Callable[..., Transformer]

IN_A_BLOCK = {
    "attention.q": (3, 4, 12, 4),
    "attention.k": (3, 2, 12, 4),
    "attention.v": (3, 2, 12, 4),
    "attention.scores": (3, 4, 12, 12),
    "attention.pattern": (3, 4, 12, 12),
    "attention.heads": (3, 4, 12, 4),
    "attention.output": (3, 12, 16),
    "feedforward.hidden": (3, 12, 24),
    "feedforward.output": (3, 12, 16),
    "output": (3, 12, 16),
}
SITES = {
    "embedding": (3, 12, 16),
    **{f"blocks.{block}.{site}": shape for block in range(2) for site, shape in IN_A_BLOCK.items()},
    "final_norm": (3, 12, 16),
    "logits": (3, 12, 29),
}


def record(
    model: Transformer, ids: torch.Tensor, cache: KeyValueCache | None = None
) -> list[tuple[str, torch.Tensor]]:
    seen: list[tuple[str, torch.Tensor]] = []

    def tap(site: str, tensor: torch.Tensor) -> torch.Tensor:
        seen.append((site, tensor))
        return tensor

    seen.append(("returned", model(ids, tap=tap, cache=cache)))
    return seen


@torch.no_grad()
@pytest.mark.parametrize("order", ["pre", "post"])
def test_every_site_is_shown_once_and_in_order(order: str, make: Make, input_ids: torch.Tensor) -> None:
    seen = record(make(norm_order=order, n_kv_heads=2), input_ids)
    assert [(site, tuple(tensor.shape)) for site, tensor in seen[:-1]] == list(SITES.items())
    assert seen[-1][1] is seen[-2][1]


@torch.no_grad()
def test_the_tensors_are_what_their_names_say(make: Make, input_ids: torch.Tensor) -> None:
    model = make(n_kv_heads=2)
    seen = dict(record(model, input_ids))
    assert torch.equal(seen["embedding"], model.embedding(input_ids))
    stream = seen["embedding"]
    for block in ("blocks.0", "blocks.1"):
        scores, pattern = seen[f"{block}.attention.scores"], seen[f"{block}.attention.pattern"]
        torch.testing.assert_close(pattern.sum(-1), torch.ones(3, 4, 12))
        assert not pattern.triu(1).any()
        assert (scores.triu(1)[..., torch.ones(12, 12).triu(1).bool()] == -torch.inf).all()
        torch.testing.assert_close(pattern, scores.softmax(-1))
        v = seen[f"{block}.attention.v"].repeat_interleave(2, dim=1)
        torch.testing.assert_close(seen[f"{block}.attention.heads"], pattern @ v)
        stream = stream + seen[f"{block}.attention.output"] + seen[f"{block}.feedforward.output"]
        torch.testing.assert_close(seen[f"{block}.output"], stream)
    torch.testing.assert_close(seen["final_norm"], model.final_norm(stream))
    torch.testing.assert_close(seen["logits"], seen["final_norm"] @ model.unembedding.weight.T)


@torch.no_grad()
def test_with_a_cache_keys_are_all_and_queries_the_new_ones(make: Make, input_ids: torch.Tensor) -> None:
    model = make()
    cache = KeyValueCache(model.config, 3, 12)
    model(input_ids[:, :10], cache=cache)
    seen = dict(record(model, input_ids[:, 10:], cache))
    full_pass = dict(record(model, input_ids))
    assert seen["blocks.1.attention.k"].shape == (3, 4, 2, 4)
    assert seen["blocks.1.attention.pattern"].shape == (3, 4, 2, 12)
    torch.testing.assert_close(
        seen["blocks.1.attention.pattern"], full_pass["blocks.1.attention.pattern"][:, :, 10:], atol=1e-5, rtol=1e-4
    )


@torch.no_grad()
@pytest.mark.parametrize("site", SITES)
def test_the_returned_tensor_replaces_the_activation(site: str, make: Make, input_ids: torch.Tensor) -> None:
    model = make(n_kv_heads=2)

    def change(here: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor * torch.linspace(0.5, 1.5, tensor.shape[-1]) if here == site else tensor

    assert (model(input_ids, tap=change) - model(input_ids)).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("site", SITES)
def test_another_shape_is_refused(site: str, make: Make, input_ids: torch.Tensor) -> None:
    model = make(n_kv_heads=2)
    with pytest.raises(ValueError, match=rf"{site} from \(3, .*\) into \(2, "):
        model(input_ids, tap=lambda here, tensor: tensor[:2] if here == site else tensor)


@torch.no_grad()
@pytest.mark.parametrize("order", ["pre", "post"])
def test_ablating_a_head_is_zeroing_its_columns(order: str, make: Make, input_ids: torch.Tensor) -> None:
    model = make(norm_order=order)

    def ablate(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site != "blocks.0.attention.heads":
            return tensor
        return torch.cat((tensor[:, :2], torch.zeros_like(tensor[:, 2:3]), tensor[:, 3:]), dim=1)

    ablated = model(input_ids, tap=ablate)
    model.get_parameter("blocks.0.attention.output.weight")[:, 2 * 4 : 3 * 4] = 0
    torch.testing.assert_close(ablated, model(input_ids), atol=1e-5, rtol=1e-5)


def test_without_a_tap_a_tensor_is_itself() -> None:
    tensor = torch.ones(2)
    assert tapped(None, "here", tensor) is tensor
    assert within(None, "blocks.0") is None
