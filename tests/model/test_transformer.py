"""The model computes the papers' formulas, is causal, and keeps no state of a forward pass."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from octavo.config import ModelConfig, load_preset
from octavo.model import KeyValueCache, Transformer

Make = Callable[..., Transformer]
ORDERS = ["pre", "post"]
POSITIONS = ["rotary", "sinusoidal", "learned", "none"]
FEEDFORWARDS = ["swiglu", "gelu", "relu"]


def rms(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    return x / (x.pow(2).mean(-1, keepdim=True) + epsilon).sqrt() * weight


def report_formula(w: dict[str, torch.Tensor], ids: torch.Tensor, heads: int) -> torch.Tensor:
    """Compute the reference model from its description in the course report."""
    width, length = w["embedding.weight"].shape[1], ids.shape[1]
    table = torch.zeros(length, width, dtype=torch.float64)
    for t, i in itertools.product(range(length), range(0, width, 2)):
        table[t, i], table[t, i + 1] = math.sin(t / 500 ** (i / width)), math.cos(t / 500 ** (i / width))
    x = w["embedding.weight"][ids] + table
    later = torch.ones(length, length).triu(1).bool()
    for block in ("blocks.0", "blocks.1"):

        def linear(x: torch.Tensor, name: str, block: str = block) -> torch.Tensor:
            return x @ w[f"{block}.{name}.weight"].T + w[f"{block}.{name}.bias"]

        q, k, v = (torch.split(linear(x, f"attention.{name}"), width // heads, dim=-1) for name in "qkv")
        attn_out = []
        for head in range(heads):
            scores = q[head] @ k[head].transpose(1, 2) / math.sqrt(width // heads)
            attn_out.append(scores.masked_fill(later, -1e9).softmax(-1) @ v[head])
        x = rms(
            x + linear(torch.cat(attn_out, -1), "attention.output"),
            w[f"{block}.attention_norm.weight"],
            1.1920929e-07,
        )
        mlp_out = linear(linear(x, "feedforward.up").clamp(min=0), "feedforward.down")
        x = rms(x + mlp_out, w[f"{block}.feedforward_norm.weight"], 1.1920929e-07)
    return rms(x, w["final_norm.weight"], 1.1920929e-07) @ w["unembedding.weight"].T + w["unembedding.bias"]


def paper_formula(w: dict[str, torch.Tensor], ids: torch.Tensor, heads: int) -> torch.Tensor:
    """Compute the default model: pre-norm, rotary positions by pairs (i, i + K/2), QK-norm, SwiGLU, tied."""
    length = ids.shape[1]
    x = w["embedding.weight"][ids]
    for block in ("blocks.0", "blocks.1"):
        normed = rms(x, w[f"{block}.attention_norm.weight"], 1e-6)
        attn_out = []
        for head in range(heads):
            rows = slice(head * x.shape[2] // heads, (head + 1) * x.shape[2] // heads)
            q, k, v = (normed @ w[f"{block}.attention.{name}.weight"][rows].T for name in "qkv")
            q = rms(q, w[f"{block}.attention.q_norm.weight"], 1e-6)
            k = rms(k, w[f"{block}.attention.k_norm.weight"], 1e-6)
            half = q.shape[2] // 2
            for t, i in itertools.product(range(length), range(half)):
                angle = t / 10000 ** (i / half)
                turn = torch.tensor(
                    [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64
                )
                q[:, t, [i, i + half]] = q[:, t, [i, i + half]] @ turn.T
                k[:, t, [i, i + half]] = k[:, t, [i, i + half]] @ turn.T
            scores = q @ k.transpose(1, 2) / math.sqrt(2 * half)
            weights = scores.exp() * torch.ones(length, length).tril()
            attn_out.append(weights / weights.sum(-1, keepdim=True) @ v)
        x = x + torch.cat(attn_out, -1) @ w[f"{block}.attention.output.weight"].T
        normed = rms(x, w[f"{block}.feedforward_norm.weight"], 1e-6)
        gate = normed @ w[f"{block}.feedforward.gate.weight"].T
        up = normed @ w[f"{block}.feedforward.up.weight"].T
        x = x + (gate / (1 + (-gate).exp()) * up) @ w[f"{block}.feedforward.down.weight"].T
    return rms(x, w["final_norm.weight"], 1e-6) @ w["embedding.weight"].T


def weights_of(model: Transformer) -> dict[str, torch.Tensor]:
    return {name: p.detach().double() for name, p in model.named_parameters()}


REFERENCE: dict[str, Any] = {
    "position": "sinusoidal",
    "position_base": 500.0,
    "norm_epsilon": 1.1920929e-07,
    "norm_order": "post",
    "qk_norm": False,
    "feedforward": "relu",
    "bias": True,
    "tied_embeddings": False,
}


@torch.no_grad()
def test_the_reference_is_the_formula_of_the_course_report(make: Make, input_ids: torch.Tensor) -> None:
    model = make(**REFERENCE)
    torch.testing.assert_close(
        model(input_ids).double(), report_formula(weights_of(model), input_ids, 4), atol=2e-5, rtol=1e-5
    )


@torch.no_grad()
def test_the_reference_preset_has_the_settings_of_that_formula() -> None:
    model = Transformer(load_preset("reference").model, 500)
    ids = torch.arange(40).view(2, 20) * 7
    torch.testing.assert_close(model(ids).double(), report_formula(weights_of(model), ids, 4), atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_the_default_is_the_formula_of_the_papers(make: Make, input_ids: torch.Tensor) -> None:
    model = make()
    torch.testing.assert_close(
        model(input_ids).double(), paper_formula(weights_of(model), input_ids, 4), atol=2e-5, rtol=1e-5
    )


def test_the_reference_has_the_parameter_count_of_the_course_report() -> None:
    assert Transformer(load_preset("reference").model, 500).n_parameters() == 524_660


def test_tied_matrices_are_one_and_count_once(make: Make) -> None:
    model = make()
    assert model.unembedding.weight is model.embedding.weight
    assert make(tied_embeddings=False).n_parameters() - model.n_parameters() == 29 * 16
    assert "unembedding.weight" not in dict(model.named_parameters())


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("norm", ["rms", "layer", "none"])
@pytest.mark.parametrize("order", ORDERS)
def test_every_combination_of_parts_has_gradients(
    position: str, norm: str, order: str, input_ids: torch.Tensor
) -> None:
    for residual, feedforward, tied in itertools.product([True, False], FEEDFORWARDS, [True, False]):
        sizes: dict[str, Any] = {"n_layers": 1, "d_model": 8, "n_heads": 2, "d_ff": 8}
        parts: dict[str, Any] = {"position": position, "norm": norm, "norm_order": order, "feedforward": feedforward}
        choices: dict[str, Any] = {"residual": residual, "tied_embeddings": tied, "bias": not tied}
        model = Transformer(ModelConfig(**sizes, **parts, **choices), 29)
        logits = model(input_ids)
        assert logits.shape == (3, 12, 29)
        assert logits.isfinite().all()
        logits.square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("feedforward", FEEDFORWARDS)
def test_no_position_depends_on_a_later_one(
    order: str, position: str, feedforward: str, make: Make, input_ids: torch.Tensor
) -> None:
    model = make(norm_order=order, position=position, feedforward=feedforward, n_kv_heads=2)
    embedded = torch.empty(0)

    def tap(site: str, tensor: torch.Tensor) -> torch.Tensor:
        nonlocal embedded
        if site == "embedding":
            tensor = embedded = tensor.detach().requires_grad_()
        return tensor

    logits = model(input_ids, tap=tap)
    for t in (0, 5, 11):
        (gradient,) = torch.autograd.grad(logits[:, t].sum(), embedded, retain_graph=True)
        assert not gradient[:, t + 1 :].any()
        assert gradient[:, : t + 1].any(-1).all()


@torch.no_grad()
@pytest.mark.parametrize("length", [12, 257, 300])
@pytest.mark.parametrize("order", ORDERS)
def test_changing_a_token_changes_nothing_before_it(order: str, length: int, make: Make) -> None:
    model = make(norm_order=order, n_kv_heads=2)
    ids = torch.randint(29, (2, length), generator=torch.Generator().manual_seed(0))
    changed = ids.clone()
    changed[:, length - 4] = (ids[:, length - 4] + 1) % 29
    before, after = model(ids), model(changed)
    assert torch.equal(before[:, : length - 4], after[:, : length - 4])
    assert (before[:, length - 4 :] != after[:, length - 4 :]).any(-1).all()


@torch.no_grad()
@pytest.mark.parametrize("position", POSITIONS)
def test_the_order_of_tokens_matters_only_with_positions(position: str, make: Make) -> None:
    """Without positions, one block treats the earlier tokens as a bag. Two blocks could count them."""
    model = make(position=position, n_layers=1)
    first, second = model(torch.tensor([[3, 7, 11, 5], [7, 11, 3, 5]]))[:, -1]
    assert torch.allclose(first, second, atol=1e-5) == (position == "none")


@torch.no_grad()
def test_without_residual_a_block_replaces_its_input(make: Make, input_ids: torch.Tensor) -> None:
    model = make(residual=False)
    model.get_parameter("blocks.1.attention.v.weight").zero_()
    logits = model(input_ids)
    assert torch.allclose(logits, logits[:1, :1].expand_as(logits))


def test_a_forward_pass_keeps_no_state(make: Make, input_ids: torch.Tensor) -> None:
    for settings in ({}, REFERENCE):
        model = make(**settings)
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        random, given = torch.get_rng_state(), input_ids.clone()
        first = model(input_ids)
        model.train()
        second = model(input_ids)
        model.eval()
        assert torch.equal(first, second)
        assert torch.equal(first, model(input_ids))
        assert torch.equal(torch.get_rng_state(), random)
        assert torch.equal(input_ids, given)
        assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("kv_heads", [0, 1, 2])
@pytest.mark.parametrize("chunks", [[5, 1, 1, 1, 1, 1, 1, 1], [1, 4, 7], [12], [3, 9]])
def test_decoding_with_a_cache_is_the_full_pass(
    position: str, kv_heads: int, chunks: list[int], make: Make, input_ids: torch.Tensor
) -> None:
    model = make(position=position, n_kv_heads=kv_heads)
    cache = KeyValueCache(model.config, 3, 12)
    chunk_logits = [model(chunk, cache=cache) for chunk in torch.split(input_ids, chunks, dim=1)]
    assert cache.length == 12
    torch.testing.assert_close(torch.cat(chunk_logits, 1), model(input_ids), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_long_context_is_decoded_like_the_full_pass(make: Make) -> None:
    model = make(n_kv_heads=2)
    ids = torch.randint(29, (2, 270), generator=torch.Generator().manual_seed(0))
    cache = KeyValueCache(model.config, 2, 270)
    chunk_logits = [model(chunk, cache=cache) for chunk in torch.split(ids, [250, 6, 1, 10, 1, 2], dim=1)]
    torch.testing.assert_close(torch.cat(chunk_logits, 1), model(ids), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_data_type_is_that_of_the_weights(make: Make, input_ids: torch.Tensor) -> None:
    for settings in ({}, REFERENCE):
        model = make(**settings)
        exact = model(input_ids)
        for dtype, tolerance in ((torch.float64, 1e-4), (torch.bfloat16, 0.3)):
            logits = model.to(dtype)(input_ids)
            assert logits.dtype == dtype
            torch.testing.assert_close(logits.float(), exact, atol=tolerance, rtol=tolerance)
