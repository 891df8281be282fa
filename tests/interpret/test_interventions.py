"""A change is made at its place and nowhere else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from octavo.errors import OctavoError
from octavo.interpret.activations import run_with_cache
from octavo.interpret.interventions import (
    parse_target,
    parse_targets,
    patch_from,
    replace_with,
    targets_of,
    zero_ablate,
)
from octavo.model import Transformer

MakeModel = Callable[..., Transformer]
INPUT_IDS = torch.arange(24).view(2, 12)


@torch.no_grad()
def test_zeroing_a_head_is_the_model_whose_output_weights_for_it_are_zero(make_model: MakeModel) -> None:
    model, without = make_model(50), make_model(50)
    width = model.config.head_width
    without.get_parameter("blocks.1.attention.output.weight")[:, 2 * width : 3 * width] = 0
    changed = model(INPUT_IDS, tap=zero_ablate(parse_target("blocks.1.attention.head.2", model)))
    assert torch.allclose(changed, without(INPUT_IDS), atol=1e-5)
    assert not torch.allclose(changed, model(INPUT_IDS), atol=1e-2)


@torch.no_grad()
def test_zeroing_a_unit_is_the_model_without_its_weights(make_model: MakeModel) -> None:
    model, without = make_model(50), make_model(50)
    without.get_parameter("blocks.0.feedforward.down.weight")[:, 5] = 0
    changed = model(INPUT_IDS, tap=zero_ablate(parse_target("blocks.0.feedforward.unit.5", model)))
    assert torch.allclose(changed, without(INPUT_IDS), atol=1e-5)
    assert not torch.allclose(changed, model(INPUT_IDS), atol=1e-2)


def test_every_place_can_be_changed_and_is_all_that_is(make_model: MakeModel) -> None:
    model = make_model(50)
    usual = run_with_cache(model, INPUT_IDS, "*", "blocks.*.*", "blocks.*.*.*")
    for place in targets_of(model).values():
        changed = run_with_cache(model, INPUT_IDS, place.site, tap=zero_ablate(place))[place.site]
        expected = usual[place.site].clone()
        place.select(expected)[place.select(expected).isfinite()] = 0
        assert torch.equal(changed, expected), place.name


def test_without_scores_all_tokens_so_far_are_looked_at_alike(make_model: MakeModel) -> None:
    model = make_model(50)
    tap = zero_ablate(parse_target("blocks.0.attention.scores", model))
    pattern = run_with_cache(model, INPUT_IDS, "blocks.0.attention.pattern", tap=tap)["blocks.0.attention.pattern"]
    assert torch.allclose(pattern, torch.ones(12, 12).tril() / torch.arange(1, 13).view(-1, 1))


def test_one_position_is_changed_alone(make_model: MakeModel) -> None:
    model = make_model(50)
    for name in ("blocks.0.output", "blocks.0.attention.head.3", "blocks.0.feedforward.unit.7"):
        (place,) = parse_targets(name, model)
        at_4 = replace(place, position=4)
        usual = run_with_cache(model, INPUT_IDS, place.site)[place.site]
        changed = run_with_cache(model, INPUT_IDS, place.site, tap=zero_ablate(at_4))[place.site]
        assert at_4.select(changed).eq(0).all()
        others = torch.arange(12) != 4
        assert torch.equal(changed[..., others, :], usual[..., others, :])


def test_a_patch_takes_what_was_recorded_when_it_runs(make_model: MakeModel) -> None:
    model, others = make_model(50), dict[str, torch.Tensor]()
    tap = patch_from(parse_target("blocks.1.output", model), others)
    for first in (20, 21):
        other = torch.arange(first, first + 12).view(1, -1)
        others |= run_with_cache(model, other, "blocks.1.output", "logits")
        assert torch.allclose(
            run_with_cache(model, INPUT_IDS[:1], "logits", tap=tap)["logits"], others["logits"], atol=1e-5
        )


def test_values_are_spread_over_the_place(make_model: MakeModel) -> None:
    model = make_model(50)
    place, values = parse_target("blocks.0.attention.head.1", model), torch.arange(4.0)
    heads = run_with_cache(model, INPUT_IDS, place.site, tap=replace_with(place, values))[place.site]
    assert heads[:, 1].eq(values).all()
    assert not heads[:, 0].eq(values).any()


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("blocks.*.attention.head.0", 2),
        ("blocks.0.attention.head.*", 4),
        ("blocks.*.output", 2),
        ("blocks.1.feedforward.unit.*", 24),
        ("embedding", 1),
    ],
)
def test_patterns_stand_for_all_that_fit(make_model: MakeModel, pattern: str, count: int) -> None:
    assert len(parse_targets(pattern, make_model(50))) == count


@pytest.mark.parametrize(
    "name", ["blocks.2.output", "blocks.0.attention.head.4", "head", "", "blocks.*.attention.head.9"]
)
def test_a_place_that_is_not_there_is_told_from_those_that_are(make_model: MakeModel, name: str) -> None:
    with pytest.raises(
        OctavoError, match=r"there is no site .* blocks are 0 to 1, their heads 0 to 3 and units 0 to 23"
    ):
        parse_targets(name, make_model(50))


def test_one_place_is_not_several(make_model: MakeModel) -> None:
    with pytest.raises(OctavoError, match=r"is a pattern of 4 sites: give one, such as blocks.0.attention.head.0"):
        parse_target("blocks.0.attention.head.*", make_model(50))


def test_a_misspelt_place_is_asked_after(make_model: MakeModel) -> None:
    with pytest.raises(OctavoError, match=r"did you mean blocks\.0\.attention\.output\?"):
        parse_targets("blocks.0.atention.output", make_model(50))
