"""Recording shows what flows by the sites asked for, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from octavo.config.shapes import windows_at_once
from octavo.evaluate.scoring import Scorer
from octavo.interpret.activations import matches, mean_activations, run_with_cache, sites_of
from octavo.interpret.edit import measure_edit
from octavo.interpret.interventions import InterventionSpec
from octavo.interpret.lens import layer_losses
from octavo.interpret.surprise import measure_surprise
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

MakeModel = Callable[..., Transformer]
CONTEXT = 8
READINGS: dict[str, Callable[..., Any]] = {
    "surprise": lambda model, tokenizer, text, ids: measure_surprise(model, tokenizer, text, context_length=CONTEXT),
    "edit": lambda model, tokenizer, text, ids: measure_edit(
        model, tokenizer, text, InterventionSpec(zero=["embedding"]), context_length=CONTEXT
    ),
    "lens": lambda model, tokenizer, text, ids: layer_losses(Scorer(model, tokenizer.bos_id, CONTEXT), [ids]),
    "means": lambda model, tokenizer, text, ids: mean_activations(
        Scorer(model, tokenizer.bos_id, CONTEXT), [ids], "embedding"
    ),
}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("blocks.*.output", "blocks.0.output", True),
        ("blocks.*.output", "blocks.0.attention.output", False),
        ("blocks.[01].output", "blocks.1.output", True),
        ("blocks.[01].output", "blocks.2.output", False),
        ("blocks.1.output", "blocks.11.output", False),
        ("*", "logits", True),
        ("*", "blocks.0.output", False),
    ],
)
def test_a_pattern_stands_for_names_part_by_part(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) == expected


def test_what_is_recorded_is_what_was_asked_for(make_model: MakeModel) -> None:
    model = make_model(20)
    kept = run_with_cache(model, torch.arange(6).view(1, -1), "blocks.*.output", "logits")
    assert list(kept) == ["blocks.0.output", "blocks.1.output", "logits"]
    with torch.no_grad():
        assert torch.allclose(kept["logits"], model(torch.arange(6).view(1, -1)), atol=1e-5)


def test_the_sites_of_a_model_are_in_the_order_of_the_pass(make_model: MakeModel) -> None:
    sites = sites_of(make_model(20))
    assert sites[0] == "embedding"
    assert sites[-2:] == ("final_norm", "logits")
    assert len(set(sites)) == len(sites) == 3 + 2 * 10


@pytest.mark.parametrize("settings", [{}, {"d_model": 4, "n_heads": 1, "d_ff": 2**15}])
@pytest.mark.parametrize("reading", READINGS)
def test_each_reading_takes_as_many_windows_at_once_as_the_score(
    reading: str, settings: dict[str, Any], play: str, bpe: Tokenizer, make_model: MakeModel
) -> None:
    """Of a wide hidden layer fewer: it is the largest tensor."""
    model = make_model(bpe.vocab_size, n_layers=1, **settings)
    text = play[:800]
    ids = bpe.encode(text)
    assert len(ids) > 65 * CONTEXT // 2
    read: list[int] = []
    model.register_forward_pre_hook(lambda _, given: read.append(len(given[0])))
    READINGS[reading](model, bpe, text, ids)
    expected = windows_at_once(model.config, bpe.vocab_size, CONTEXT, scores=True)
    assert max(read) == expected == (32 if settings else 64)
