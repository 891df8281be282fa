"""Rows become means and differences, paired by seed, and only where they can be compared."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from octavo.experiments import Spec, read_spec
from octavo.experiments.results import CellResult, summarise

MakeRow = Callable[..., CellResult]


def spec_of(*variants: str, seeds: int = 3, **values: Any) -> Spec:
    return read_spec({"seeds": list(range(seeds)), "variants": {name: {} for name in variants}, **values})


def scored(variant: str, seed: int, nats: float, **figures: Any) -> CellResult:
    given: dict[str, Any] = {"text_sha256": "t", "tokenizer": "k"} | figures
    return CellResult(variant, seed, f"{variant}-seed{seed}", nats_per_character=nats, **given)


def test_means_and_paired_differences_by_hand() -> None:
    rows = [scored("a", seed, nats) for seed, nats in enumerate([1.0, 2.0, 6.0])]
    rows += [scored("b", seed, nats) for seed, nats in enumerate([1.5, 2.5, 6.5])]
    a, b = summarise(spec_of("a", "b"), rows)
    assert (a.variant, a.planned, a.scored, a.failed) == ("a", 3, 3, 0)
    assert a.figures["nats_per_character"].mean == 3.0
    assert a.differences == {}
    difference = b.differences["nats_per_character"]
    assert (difference.n, difference.mean, difference.low, difference.high) == (3, 0.5, 0.5, 0.5)
    wide = b.figures["nats_per_character"]
    assert wide.low is not None
    assert wide.low < 2, "the seeds differ by far more than the variants do, seed by seed"


def test_only_seeds_that_both_have_are_compared() -> None:
    rows = [scored("a", 0, 1.0), scored("a", 1, 2.0), scored("b", 1, 2.25), scored("b", 2, 9.0)]
    b = summarise(spec_of("a", "b"), rows)[1]
    assert b.figures["nats_per_character"].n == 2
    difference = b.differences["nats_per_character"]
    assert (difference.n, difference.mean, difference.low) == (1, 0.25, None)


def test_failures_are_counted_and_not_averaged() -> None:
    rows = [scored("a", 0, 1.0), CellResult("b", 0, "b-seed0", failure="the loss exploded"), scored("b", 1, 3.0)]
    b = summarise(spec_of("a", "b"), rows)[1]
    assert (b.planned, b.scored, b.failed) == (3, 1, 1)
    assert b.figures["nats_per_character"].mean == 3.0
    assert b.differences == {}


def test_every_figure_is_averaged() -> None:
    rows = [scored("a", s, 1.0, steps=10 * s, at_context={"9": 1.0 + s, "12": None}) for s in (1, 2)]
    (a,) = summarise(spec_of("a", score={"contexts": [9, 12]}), rows)
    assert a.figures["steps"].mean == 15
    assert a.figures["nats_per_character@9"].mean == 2.5
    assert "nats_per_character@12" not in a.figures
    assert "train_loss" not in a.figures


def test_the_base_may_be_any_variant() -> None:
    rows = [scored("a", 0, 1.0), scored("b", 0, 3.0)]
    a, b = summarise(spec_of("a", "b", base="b"), rows)
    assert a.differences["nats_per_character"].mean == -2.0
    assert b.differences == {}


def test_another_tokenizer_compares_characters_but_not_tokens() -> None:
    rows = [scored("a", 0, 1.0, nats_per_token=2.0), scored("b", 0, 1.5, nats_per_token=5.0, tokenizer="other")]
    b = summarise(spec_of("a", "b"), rows)[1]
    assert set(b.differences) == {"nats_per_character"}
    assert b.note == ""


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"tokenizer": "other", "lossless_tokenizer": False}, "a tokenizer is lossy"),
        ({"text_sha256": "other"}, "another text was scored"),
    ],
)
def test_rows_that_are_not_comparable_have_no_difference_and_a_reason(figures: dict[str, Any], says: str) -> None:
    rows = [scored("a", 0, 1.0), scored("b", 0, 1.5, **figures)]
    b = summarise(spec_of("a", "b"), rows)[1]
    assert b.differences == {}
    assert says in b.note


def test_two_variants_with_the_same_lossy_tokenizer_are_compared() -> None:
    rows = [scored(v, 0, 1.0, lossless_tokenizer=False, nats_per_token=2.0) for v in ("a", "b")]
    b = summarise(spec_of("a", "b"), rows)[1]
    assert {"nats_per_character", "nats_per_token"} <= set(b.differences)


class TestRow:
    def test_goes_through_json(self, make_row: MakeRow) -> None:
        row = make_row("a", 1, at_context={"50": 2.0, "60": math.nan}, weight_norm=math.inf)
        again = CellResult.from_json(row.to_dict())
        assert again is not None
        assert again.at_context == {"50": 2.0, "60": None}
        assert again.weight_norm is None
        assert again.nats_per_character == row.nats_per_character
        assert CellResult.from_json({"variant": "a", "of_tomorrow": 1}) is None
        assert CellResult.from_json([]) is None

    def test_figures_by_name(self, make_row: MakeRow) -> None:
        row = make_row("a", 1, at_context={"50": 2.0, "60": None}, seconds=math.nan)
        assert row.figure("nats_per_character@50") == 2.0
        assert row.figure("nats_per_character@60") is None
        assert row.figure("nats_per_character@70") is None
        assert row.figure("seconds") is None
        assert row.figure("nats_per_token") == row.nats_per_token
