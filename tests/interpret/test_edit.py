"""An edit tells what a change does to a text's score and to what comes next."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.evaluate import evaluate
from octavo.evaluate.documents import scored_text
from octavo.evaluate.scoring import Scorer
from octavo.interpret.activations import mean_activations, run_with_cache
from octavo.interpret.edit import Edit, TokenChange, measure_edit
from octavo.interpret.interventions import InterventionSpec
from octavo.interpret.tokens import read_passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

CONTEXT = 16
MakeModel = Callable[..., Transformer]


@pytest.fixture(params=["bpe", "lossy"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    found: Tokenizer = request.getfixturevalue(request.param)
    return found


def bits_per_character(model: Transformer, tokenizer: Tokenizer, text: str) -> float:
    scored = scored_text(Corpus.from_text(text), tokenizer)
    return evaluate(model, tokenizer, scored, context_length=CONTEXT).bits_per_character


def test_a_head_set_to_zero_costs_what_its_weights_do(play: str, tokenizer: Tokenizer, make_model: MakeModel) -> None:
    model, without, text = make_model(tokenizer.vocab_size), make_model(tokenizer.vocab_size), play[:400]
    with torch.no_grad():
        without.get_parameter("blocks.0.attention.output.weight")[:, : model.config.head_width] = 0
    edit = measure_edit(
        model, tokenizer, text, InterventionSpec(zero=["blocks.0.attention.head.0"]), context_length=CONTEXT
    )
    assert edit.interventions == ("zero blocks.0.attention.head.0",)
    assert edit.bits_per_character_before == pytest.approx(bits_per_character(model, tokenizer, text), rel=1e-6)
    assert edit.bits_per_character_after == pytest.approx(bits_per_character(without, tokenizer, text), rel=1e-5)
    assert abs(edit.cost) > 1e-3


def test_the_next_token_is_what_the_model_expects_after_the_text(tokenizer: Tokenizer, make_model: MakeModel) -> None:
    model, text = make_model(tokenizer.vocab_size), "First Citizen"
    edit = measure_edit(
        model, tokenizer, text, InterventionSpec(zero=["blocks.*.output"]), context_length=CONTEXT, top_k=3
    )
    ids = tokenizer.encode(text).tolist()
    start = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    with torch.no_grad():
        before = model(torch.tensor([[*start, *ids]]))[0, -1].double().softmax(-1)
    uniform = 1 / tokenizer.vocab_size  # what is left: a stream of zeros
    assert [c.p_before for c in edit.candidates][:3] == pytest.approx(before.topk(3).values.tolist(), rel=1e-4)
    assert [c.p_after for c in edit.candidates] == pytest.approx([uniform] * len(edit.candidates))
    divergence = float((before * (before / uniform).log2()).sum())
    assert edit.divergence_bits == pytest.approx(divergence, rel=1e-4)


@pytest.mark.parametrize("place", ["blocks.0.attention.head.*", "embedding", "blocks.1.attention.scores", "logits"])
def test_patching_with_the_same_text_changes_nothing(
    play: str, tokenizer: Tokenizer, make_model: MakeModel, place: str
) -> None:
    text = play[:300]
    edit = measure_edit(
        make_model(tokenizer.vocab_size),
        tokenizer,
        text,
        InterventionSpec(patch=[place]),
        other=text,
        context_length=CONTEXT,
    )
    assert (edit.cost, edit.divergence_bits) == (0, 0)
    assert all(candidate.p_before == candidate.p_after for candidate in edit.candidates)


def test_patching_the_last_layer_gives_the_other_texts_prediction(
    play: str, tokenizer: Tokenizer, make_model: MakeModel
) -> None:
    """In every window of it."""
    model, text, other = make_model(tokenizer.vocab_size), play[:300], play[1000:1600]
    length = len(tokenizer.encode(text))
    patched = measure_edit(
        model, tokenizer, text, InterventionSpec(patch=["blocks.1.output"]), other=other, context_length=CONTEXT
    )
    ids = tokenizer.encode(other)[:length]
    cut = next(end for end in range(len(other)) if tokenizer.encode(other[:end]).tolist() == ids.tolist())
    alone = measure_edit(model, tokenizer, other[:cut], InterventionSpec(zero=["embedding"]), context_length=CONTEXT)
    after = {c.label: c.p_after for c in patched.candidates}
    for candidate in alone.candidates[:3]:
        assert after[candidate.label] == pytest.approx(candidate.p_before, rel=1e-6)
    assert patched.cost != 0


def test_a_patch_at_one_position_leaves_what_came_before_alone(tokenizer: Tokenizer, make_model: MakeModel) -> None:
    model, text, other = make_model(tokenizer.vocab_size), "Good morrow", "Sweet night for all the"
    given: dict[str, Any] = {"other": other, "context_length": CONTEXT}
    last = measure_edit(model, tokenizer, text, InterventionSpec(patch=["embedding"], position=-1), **given)
    assert last.cost == 0  # the last token is read for the next one alone
    assert last.divergence_bits > 1e-4
    tokens = len(tokenizer.encode(text)) + (tokenizer.bos_id is not None)
    assert last.position == tokens - 1
    assert text.endswith(last.token_label)
    begin = measure_edit(model, tokenizer, text, InterventionSpec(patch=["embedding"], position=0), **given)
    assert (begin.divergence_bits == 0) == (tokenizer.bos_id is not None)  # which is the same in both texts


def test_a_mean_over_one_position_is_that_position(bpe: Tokenizer, make_model: MakeModel) -> None:
    model, sites = make_model(bpe.vocab_size), ["embedding", "blocks.0.attention.heads", "blocks.1.output"]
    assert bpe.bos_id is not None
    means = mean_activations(Scorer(model, bpe.bos_id, CONTEXT), [np.array([65])], *sites)
    there = run_with_cache(model, torch.tensor([[bpe.bos_id]]), *sites)
    assert all(torch.equal(means[site], there[site]) for site in sites)


def test_a_mean_counts_every_token_once_in_the_windows_of_the_score(bpe: Tokenizer, make_model: MakeModel) -> None:
    model, ids = make_model(bpe.vocab_size), bpe.encode("What say you, citizens, to this? Speak!")[:22]
    mean = mean_activations(Scorer(model, bpe.bos_id, CONTEXT), [ids], "final_norm")["final_norm"]
    windows = [ids[: CONTEXT - 1], ids[CONTEXT // 2 : -1]]
    seen = [run_with_cache(model, torch.tensor([[bpe.bos_id, *w]]), "final_norm")["final_norm"][0] for w in windows]
    counted = torch.cat([seen[0], seen[1][CONTEXT // 2 :]])
    assert len(counted) == len(ids)
    assert torch.allclose(mean[0, 0], counted.mean(0), atol=1e-5)


def test_the_mean_of_the_last_layer_leaves_one_prediction_for_all(
    play: str, tokenizer: Tokenizer, make_model: MakeModel
) -> None:
    model, held_out = make_model(tokenizer.vocab_size), [tokenizer.encode(play[:500])]
    given: dict[str, Any] = {"held_out": held_out, "context_length": CONTEXT}
    edits = [
        measure_edit(model, tokenizer, text, InterventionSpec(mean=["final_norm"]), **given)
        for text in ("To be", "First Citizen:\nBefore we proceed")
    ]
    odds = [{candidate.label: candidate.p_after for candidate in edit.candidates} for edit in edits]
    both = odds[0].keys() & odds[1].keys()
    assert len(both) >= 5
    assert all(math.isclose(odds[0][label], odds[1][label], rel_tol=1e-5) for label in both)


def test_it_is_plain_values(bpe: Tokenizer, make_model: MakeModel) -> None:
    changes = InterventionSpec(zero=["embedding"], position=1)
    plain = measure_edit(make_model(bpe.vocab_size), bpe, "ab", changes, context_length=CONTEXT).to_dict()
    assert json.loads(json.dumps(plain))["cost_bits_per_character"] == pytest.approx(
        plain["bits_per_character_after"] - plain["bits_per_character_before"]
    )
    assert (plain["changed"], plain["position"], plain["at"]) == (("zero embedding",), 1, "a")
    assert (plain["of"], plain["tokens"], plain["donor"], plain["mean_tokens"]) == ("the given text", 2, "", 0)


def test_the_donor_is_the_other_texts_token_at_the_position(tokenizer: Tokenizer, make_model: MakeModel) -> None:
    model = make_model(tokenizer.vocab_size)
    for position in (0, 1, -1):
        changes = InterventionSpec(patch=["embedding"], position=position)
        edit = measure_edit(model, tokenizer, "to be", changes, other="what say you", context_length=CONTEXT)
        assert edit.position is not None
        assert edit.other_label == read_passage(tokenizer, "what say you").labels[edit.position]


def test_unlikely_tokens_are_not_notable() -> None:
    odds = [(0.9, 0.1), (0.0, 0.8), (0.0005, 0.0), (0.0004, 0.0), (0.0, 0.002)]
    candidates = tuple(TokenChange(str(place), *both) for place, both in enumerate(odds))
    edit = Edit("text", "the given text", 2, (), None, "", "", 0, candidates, 0.0, 1.0, 1.0, lossless_tokenizer=True)
    assert [candidate.label for candidate in edit.notable] == ["0", "1", "2", "4"]


@pytest.mark.parametrize(
    ("changes", "other", "sentence"),
    [
        (InterventionSpec(), "", "no intervention is given"),
        (InterventionSpec(zero=["blocks.7.output"]), "", "there is no site 'blocks.7.output'"),
        (
            InterventionSpec(zero=["blocks.*.output"], mean=["blocks.1.output"]),
            "",
            "blocks.1.output is given twice",
        ),
        (InterventionSpec(mean=["blocks.1.attention.pattern"]), "", "blocks.1.attention.pattern has no mean"),
        (InterventionSpec(mean=["embedding"]), "", "too short for a mean"),
        (InterventionSpec(patch=["embedding"]), "", "give that text"),
        (InterventionSpec(zero=["embedding"]), "other", "no site to patch"),
        (InterventionSpec(patch=["embedding"]), "a", "it has 1: give a longer one"),
        (InterventionSpec(zero=["embedding"], position=9), "", "position 9 is out of range: give 0 to"),
        (InterventionSpec(zero=["embedding"], position=-9), "", "position -9 is out of range"),
    ],
)
def test_what_cannot_be_done_is_said(
    tokenizer: Tokenizer, make_model: MakeModel, changes: InterventionSpec, other: str, sentence: str
) -> None:
    with pytest.raises(OctavoError, match=sentence):
        measure_edit(
            make_model(tokenizer.vocab_size), tokenizer, "be we", changes, other=other, context_length=CONTEXT
        )


def test_a_position_is_one_of_a_single_window(play: str, bpe: Tokenizer, make_model: MakeModel) -> None:
    with pytest.raises(OctavoError, match="at most 16 tokens"):
        measure_edit(
            make_model(bpe.vocab_size),
            bpe,
            play[:200],
            InterventionSpec(zero=["logits"], position=3),
            context_length=CONTEXT,
        )
