"""A score among those of simpler models."""

import re
from dataclasses import replace
from typing import Any

import pytest

from octavo.evaluate import Baseline, Evaluation, TrainOverlap
from octavo.evaluate.comparison import THIS_MODEL, caveats, protocol_description, rank_scores
from octavo.pipeline.run import Run


@pytest.fixture
def score(trained: Run) -> Evaluation:
    return trained.evaluation


@pytest.fixture
def baselines(trained: Run) -> list[Baseline]:
    return trained.baselines()


def test_all_stand_in_one_order_from_the_worst(score: Evaluation, baselines: list[Baseline]) -> None:
    found = rank_scores(score, baselines, 12.5)
    assert len(found.rows) == len(baselines) + 1
    assert not found.not_comparable
    values = [one.nats_per_character for one in found.rows]
    assert values == sorted(values, reverse=True)
    (model,) = [one for one in found.rows if one.name == THIS_MODEL]
    assert model.seconds == 12.5 + score.seconds
    assert (model.nats_per_token, model.bits_per_character) == (score.nats_per_token, score.bits_per_character)


def test_where_the_tokenizer_loses_text_models_of_text_stand_apart(
    score: Evaluation, baselines: list[Baseline]
) -> None:
    found = rank_scores(replace(score, lossless_tokenizer=False), baselines)
    assert {one.name.split()[0] for one in found.rows} == {"this", "uniform", "unigram", "bigram"}
    assert {one.name for one in found.not_comparable} == {b.name for b in baselines if b.nats_per_token is None}


def test_how_the_text_was_read(score: Evaluation) -> None:
    assert re.findall(r"\d+|sliding|disjoint", protocol_description(score)) == ["sliding", "32", "16"]
    disjoint = replace(score, protocol="disjoint", window_characters=256)
    assert re.findall(r"\d+|sliding|disjoint", protocol_description(disjoint)) == ["disjoint", "256"]


@pytest.mark.parametrize(
    ("changes", "overlap", "says"),
    [
        ({"lossless_tokenizer": False}, TrainOverlap(64, 100, 0), "lossy"),
        ({"selected_on_this_text": True}, TrainOverlap(64, 100, 0), "early stopping"),
        ({}, None, "trained on this text"),
        ({"characters": 100}, TrainOverlap(64, 100, 3), "3% of this text"),
        ({"characters": 300}, TrainOverlap(64, 100, 3), "3% of its first 100 characters"),
    ],
)
def test_why_a_figure_is_optimistic_or_not_comparable(
    score: Evaluation, changes: dict[str, Any], overlap: TrainOverlap | None, says: str
) -> None:
    assert says in "\n".join(caveats(replace(score, **changes), [], overlap))


def test_a_note_names_all_it_is_of(score: Evaluation, baselines: list[Baseline]) -> None:
    noted = [replace(b, note="rough" if b.kind == "compressor" else "") for b in baselines]
    said = caveats(score, noted, TrainOverlap(64, 100, 0))
    names = ", ".join(b.name for b in baselines if b.kind == "compressor")
    assert f"rough: {names}" in said
    assert len(said) == 1
