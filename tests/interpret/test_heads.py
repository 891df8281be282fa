"""The table of a model that was built to do induction, of models that know nothing, and of short texts."""

import dataclasses
import json
import math
from typing import Any

import pytest
import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.errors import OctavoError
from octavo.evaluate.documents import Documents
from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.excerpts import sample_windows
from octavo.interpret.head_table import HeadTable
from octavo.interpret.heads import measure_heads, repeated_targets, repeated_tokens
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

CONTEXT = 32


def table(model: Transformer, tokenizer: Tokenizer, text: str, windows: int = 12) -> HeadTable:
    documents = Documents([tokenizer.encode(text)], [text])
    return measure_heads(model, tokenizer, documents, text="text", context_length=CONTEXT, windows=windows)


@pytest.fixture(scope="module")
def built(characters: Tokenizer) -> Transformer:
    """Two layers of one head, as Elhage et al. (2021) take induction apart: the first looks at the token before
    and notes which it is; the second looks for a place whose note is the token being read, and says what is there.

    The stream has room for four things: the token, its place, the token before, what comes next.
    """
    size, places = characters.vocab_size, CONTEXT
    token, place = slice(0, size), slice(size, size + places)
    before, guess = slice(size + places, 2 * size + places), slice(2 * size + places, 3 * size + places)
    width = 3 * size + places
    config = ModelConfig(
        n_layers=2, n_heads=1, d_model=width, d_ff=1, position="learned", max_positions=places, norm="none",
        qk_norm=False, feedforward="relu", tied_embeddings=False,
    )  # fmt: skip
    model = Transformer(config, size)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    strong = 30 * width**0.5
    weights = dict(model.named_parameters())
    with torch.no_grad():
        weights["embedding.weight"][:, token] = torch.eye(size)
        weights["positions.rows"][:, place] = torch.eye(places)
        first, second = "blocks.0.attention", "blocks.1.attention"
        weights[f"{first}.q.weight"][place, place] = strong * torch.eye(places)
        weights[f"{first}.k.weight"][place, place] = torch.eye(places).roll(1, 0)  # a place is sought by the next one
        weights[f"{first}.v.weight"][token, token] = torch.eye(size)
        weights[f"{first}.output.weight"][before, token] = torch.eye(size)
        weights[f"{second}.q.weight"][token, token] = strong * torch.eye(size)
        weights[f"{second}.k.weight"][token, before] = torch.eye(size)
        weights[f"{second}.v.weight"][token, token] = torch.eye(size)
        weights[f"{second}.output.weight"][guess, token] = torch.eye(size)
        weights["unembedding.weight"][:, guess] = 3 * torch.eye(size)
    return model


@pytest.fixture(scope="module")
def found(built: Transformer, characters: Tokenizer, play: str) -> HeadTable:
    return table(built, characters, play)


def test_a_head_built_for_induction_scores_high_and_is_named(found: HeadTable) -> None:
    before, match = found.heads
    assert (before.name, match.name) == ("previous", "induction")
    assert before.target_fractions["previous"].measured.mean > 0.99
    assert before.distance.mean == pytest.approx(1.0, abs=0.05)
    assert match.induction_random is not None
    assert match.induction_random.measured.mean > 0.99
    assert match.target_fractions["induction"].measured.mean > 0.9
    assert match.target_fractions["induction"].uniform < 0.2
    assert before.induction_random is not None
    assert before.induction_random.measured.mean < 0.05
    assert match.ablation_costs["zero"].mean > 0.05
    assert before.ablation_costs["zero"].mean > 0.05, "without its note the other finds nothing"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "settings", [{"initialisation": "pytorch"}, {"initialisation": "pytorch", "qk_norm": False}, {}]
)
def test_a_random_model_earns_no_name(settings: dict[str, Any], seed: int, bpe: Tokenizer, play: str) -> None:
    config = dataclasses.replace(ModelConfig(d_model=32, d_ff=32), **settings)
    found = table(Transformer(config, bpe.vocab_size, seed), bpe, play)
    kinds = {kind.name for kind in TARGET_KINDS}
    for head in found.heads:
        assert head.name not in kinds
        assert head.induction_random is not None
        assert head.induction_random.measured.mean < 0.1
        assert head.target_fractions["induction"].measured.mean < 0.2


def test_every_head_has_every_figure(found: HeadTable) -> None:
    assert (found.windows, found.window_tokens, found.text) == (12, CONTEXT, "text")
    assert found.uniform_distance == pytest.approx(CONTEXT / 4)
    assert found.uniform_entropy == pytest.approx(sum(math.log2(n) for n in range(2, CONTEXT + 1)) / (CONTEXT - 1))
    assert found.characters == pytest.approx(12 * CONTEXT, abs=12)
    for head in found.heads:
        assert list(head.target_fractions) == [kind.name for kind in TARGET_KINDS]
        assert list(head.ablation_costs) == ["zero", "mean", "first"]
        for share in head.target_fractions.values():
            assert share.measured.low is not None
            assert share.measured.high is not None
            assert 0 <= share.measured.low <= share.measured.mean <= share.measured.high <= 1 + 1e-6
            assert 0 < share.uniform < 1
    assert HeadTable.from_json(json.loads(json.dumps(found.to_dict()))) == found


def test_the_same_text_gives_the_same_table(
    found: HeadTable, built: Transformer, characters: Tokenizer, play: str
) -> None:
    assert table(built, characters, play) == found


def test_one_window_has_no_intervals_and_names_nothing(built: Transformer, characters: Tokenizer) -> None:
    found = table(built, characters, "ROMEO:\nAy me! Ay me!")
    assert found.windows == 1
    assert found.bits_per_character.low is None
    assert {head.name for head in found.heads} == {"no name"}
    assert all(cost.low is None for head in found.heads for cost in head.ablation_costs.values())
    assert found.heads[0].target_fractions["previous"].measured.mean > 0.99


def test_a_text_of_three_tokens_says_nothing_of_induction(built: Transformer, characters: Tokenizer) -> None:
    found = table(built, characters, "abc")
    assert found.window_tokens == 3
    assert found.heads[0].induction_random is None
    assert HeadTable.from_json(found.to_dict()) == found


def test_a_text_too_short_is_refused(built: Transformer, characters: Tokenizer) -> None:
    with pytest.raises(OctavoError, match="too short"):
        table(built, characters, "a")


@pytest.mark.parametrize("kind", ["bpe", "unstarted"])
def test_repeated_random_tokens(kind: str, play: str, request: pytest.FixtureRequest) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    excerpts = sample_windows(tokenizer, Documents([tokenizer.encode(play)], [play]), CONTEXT, 4)
    ids = repeated_tokens(excerpts, tokenizer.bos_id)
    begun = tokenizer.bos_id is not None
    half = (ids.shape[1] - begun) // 2
    assert ids.shape[1] == CONTEXT - begun, "an odd token is left out"
    assert torch.equal(ids[:, begun : begun + half], ids[:, begun + half :])
    assert set(ids[:, begun:].flatten().tolist()) <= set(tokenizer.encode(play).tolist())
    assert all(len(set(row[begun : begun + half].tolist())) == half for row in ids)
    expected = torch.zeros(ids.shape[1], ids.shape[1], dtype=torch.bool)
    for query in range(begun + half, ids.shape[1]):
        expected[query, query - half + 1] = True
    masks = torch.from_numpy(repeated_targets(ids.numpy(), tokenizer.bos_id))
    assert torch.equal(masks[:, 0], expected.expand(len(ids), -1, -1))
