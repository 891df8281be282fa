"""What removing a head costs, against models that have been changed instead of tapped."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from octavo.evaluate.documents import Documents
from octavo.evaluate.scoring import Scorer
from octavo.interpret.activations import run_with_cache
from octavo.interpret.excerpts import SampledWindows, sample_windows
from octavo.interpret.head_ablation import ABLATIONS, ablation_costs, mean_head_outputs, window_nats
from octavo.model import Transformer
from octavo.model.attention import Attention
from octavo.pipeline.run import Run
from octavo.tokenizer import Tokenizer

MakeModel = Callable[..., Transformer]
CONTEXT = 16
KINDS = [{}, {"norm_order": "post", "bias": True}, {"n_kv_heads": 2, "position": "learned"}]


@pytest.fixture(scope="module")
def excerpts(bpe: Tokenizer, play: str) -> SampledWindows:
    text = play[:2_000]
    return sample_windows(bpe, Documents([bpe.encode(text)], [text]), CONTEXT, 6)


def output_of(model: Transformer, layer: int) -> nn.Linear:
    attention = model.blocks[layer].attention
    assert isinstance(attention, Attention)
    return attention.output


@pytest.mark.parametrize("settings", KINDS)
def test_zero_is_the_model_with_the_heads_output_weights_zeroed(
    settings: dict[str, Any], make_model: MakeModel, bpe: Tokenizer, excerpts: SampledWindows
) -> None:
    model: Transformer = make_model(bpe.vocab_size, **settings)
    usual, costs = ablation_costs(model, excerpts)
    assert costs.shape == (2, 4, len(ABLATIONS), len(excerpts))
    width = model.config.head_width
    for layer in range(2):
        for head in range(4):
            changed = copy.deepcopy(model)
            with torch.no_grad():
                output_of(changed, layer).weight[:, head * width : (head + 1) * width] = 0
            assert costs[layer, head, 0] == pytest.approx(window_nats(changed, excerpts) - usual, abs=1e-3)
    assert np.abs(costs[:, :, 0]).max() > 0.1


def test_mean_is_the_model_with_the_heads_mean_in_the_bias(
    make_model: MakeModel, bpe: Tokenizer, excerpts: SampledWindows
) -> None:
    model: Transformer = make_model(bpe.vocab_size, bias=True)
    usual, costs = ablation_costs(model, excerpts)
    width = model.config.head_width
    for layer in range(2):
        site = f"blocks.{layer}.attention.heads"
        said = run_with_cache(model, excerpts.inputs, site)[site]  # (W, H, T, d_head)
        assert torch.allclose(mean_head_outputs(model, excerpts)[layer], said.mean((0, 2)), atol=1e-6)
        changed = copy.deepcopy(model)
        with torch.no_grad():
            part = slice(3 * width, 4 * width)
            output = output_of(changed, layer)
            output.bias.copy_(output.bias + output.weight[:, part] @ said.mean((0, 2))[3])
            output.weight[:, part] = 0
        assert costs[layer, 3, 1] == pytest.approx(window_nats(changed, excerpts) - usual, abs=1e-3)


def test_first_is_the_head_that_reads_the_first_tokens_value_everywhere(
    make_model: MakeModel, bpe: Tokenizer, excerpts: SampledWindows
) -> None:
    model: Transformer = make_model(bpe.vocab_size)
    usual, costs = ablation_costs(model, excerpts)

    def first(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site == "blocks.1.attention.v":
            values.append(tensor)
        if site == "blocks.1.attention.heads":
            tensor = tensor.clone()
            tensor[:, 2] = values[-1][:, 2, :1]
        return tensor

    values: list[torch.Tensor] = []
    assert costs[1, 2, 2] == pytest.approx(window_nats(model, excerpts, first) - usual, abs=1e-3)


def test_the_cost_of_windows_is_that_of_their_tokens(trained: Run) -> None:
    """The windows are documents of their own when scored from nothing."""
    tokenizer, text = trained.tokenizer, trained.splits["validation"].text
    found = sample_windows(tokenizer, Documents([tokenizer.encode(text)], [text]), 32, 5)
    scorer = Scorer(trained.model, tokenizer.bos_id, context_length=32, stride=32)
    scored = scorer.token_losses([row.numpy() for row in found.targets])
    assert window_nats(trained.model, found) == pytest.approx([losses.sum() for losses in scored], rel=1e-5)


def test_a_start_token_between_documents_costs_nothing(make_model: MakeModel, bpe: Tokenizer) -> None:
    texts = ["Ay me.", "He is gone."]
    found = sample_windows(bpe, Documents([bpe.encode(text) for text in texts], texts), CONTEXT, 1)
    model: Transformer = make_model(bpe.vocab_size)
    with torch.no_grad():
        logits = model(found.inputs)
    assert (~found.target_mask).sum() == 1
    odds = logits.log_softmax(-1).gather(-1, found.targets[..., None])[..., 0]
    assert window_nats(model, found)[0] == pytest.approx(-odds[found.target_mask].sum().item(), rel=1e-5)


def test_it_says_how_far_it_is(make_model: MakeModel, bpe: Tokenizer, excerpts: SampledWindows) -> None:
    told: list[float] = []
    ablation_costs(make_model(bpe.vocab_size), excerpts, told.append)
    assert told == pytest.approx([k / 8 for k in range(8)])
    assert math.isclose(told[0], 0.0)
