"""Each layer is read as the model reads its last one."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octavo.evaluate.scoring import Scorer
from octavo.interpret.activations import run_with_cache
from octavo.interpret.lens import apply_lens, layer_losses, lens_logits
from octavo.interpret.tokens import read_passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

CONTEXT = 16
MakeModel = Callable[..., Transformer]
KINDS = [
    {},
    {"norm_order": "post"},
    {"norm": "none"},
    {"norm_order": "post", "norm": "layer", "bias": True, "tied_embeddings": False, "position": "sinusoidal"},
    {"residual": False},
]


@pytest.mark.parametrize("settings", KINDS)
def test_the_last_layer_is_the_model(make_model: MakeModel, settings: dict[str, Any]) -> None:
    model, input_ids = make_model(50, **settings), torch.arange(12).view(1, -1)
    last = run_with_cache(model, input_ids, "blocks.1.output")["blocks.1.output"]
    with torch.inference_mode():
        assert torch.equal(lens_logits(model, last), model(input_ids))


@pytest.mark.parametrize("settings", KINDS)
def test_a_layer_is_the_model_whose_later_blocks_do_nothing(make_model: MakeModel, settings: dict[str, Any]) -> None:
    """Of a model with the norms before its parts and a residual stream; of others the last layer alone is."""
    model, silenced = make_model(50, **settings), make_model(50, **settings)
    for name, parameter in silenced.named_parameters():
        if name.startswith(("blocks.1.attention.output", "blocks.1.feedforward.down")):
            torch.nn.init.zeros_(parameter)
    input_ids = torch.arange(12).view(1, -1)
    with torch.inference_mode():
        seen = lens_logits(model, run_with_cache(model, input_ids, "blocks.0.output")["blocks.0.output"])
        same = torch.allclose(seen, silenced(input_ids), atol=1e-5)
    assert same == (model.config.norm_order == "pre" and model.config.residual)


@pytest.mark.parametrize("kind", ["bpe", "lossy"])
def test_the_last_layers_cells_are_the_models_odds(
    kind: str, make_model: MakeModel, play: str, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    model, passage = make_model(tokenizer.vocab_size), read_passage(tokenizer, play, CONTEXT)
    found = apply_lens(model, tokenizer, passage, context_length=CONTEXT, top_k=2)
    assert [layer.site for layer in found.layers] == ["embedding", "blocks.0.output", "blocks.1.output"]
    assert {len(layer.cells) for layer in found.layers} == {len(passage.ids)} == {CONTEXT}
    assert found.held_out_bits == ()
    with torch.no_grad():
        odds = model(passage.input_ids)[0].softmax(-1)
    for place, cell in enumerate(found.layers[-1].cells):
        best = odds[place].topk(2)
        assert [guess.probability for guess in cell.predictions] == pytest.approx(best.values.tolist(), rel=1e-5)
        if place + 1 < CONTEXT:
            came = passage.ids[place + 1]
            assert cell.probability == pytest.approx(odds[place, came].item(), rel=1e-4)
            assert cell.rank == 1 + int((odds[place] > odds[place, came]).sum())
    assert (found.layers[0].cells[-1].nats, found.layers[0].cells[-1].rank) == (None, None)


@pytest.mark.parametrize("kind", ["bpe", "lossy"])
def test_layers_are_scored_as_the_model_is(
    kind: str, make_model: MakeModel, play: str, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    model, held_out = (
        make_model(tokenizer.vocab_size),
        [tokenizer.encode(play[:300]), tokenizer.encode(play[300:700])],
    )
    passage = read_passage(tokenizer, play, 4)
    found = apply_lens(model, tokenizer, passage, held_out, held_out_characters=700, context_length=CONTEXT)
    scored = Scorer(model, tokenizer.bos_id, CONTEXT, CONTEXT // 2).token_losses(held_out)
    predicted = np.concatenate([nats[int(tokenizer.bos_id is None) :] for nats in scored])
    assert found.layers[-1].held_out_nats == pytest.approx(predicted.mean(), rel=1e-6)
    assert found.held_out_tokens == sum(map(len, held_out))
    embedding, first, last = found.held_out_bits
    assert last == pytest.approx(predicted.mean() * found.held_out_tokens / 700 / math.log(2), rel=1e-6)
    assert found.gains[0] is None
    assert found.gains[1:] == pytest.approx((embedding - first, first - last))


def test_nothing_predicted_is_no_mean(make_model: MakeModel) -> None:
    assert layer_losses(Scorer(make_model(50), None, 8), [np.array([3])]) == {}


def test_the_embedding_of_tied_weights_foretells_its_own_token(bpe: Tokenizer, make_model: MakeModel) -> None:
    passage = read_passage(bpe, "ROMEO", CONTEXT)
    found = apply_lens(make_model(bpe.vocab_size, d_model=64), bpe, passage, context_length=CONTEXT)
    assert found.tied_embeddings
    assert [cell.predictions[0].label for cell in found.layers[0].cells[1:]] == list(passage.labels[1:])
