"""The diagnosis of whole runs, with real baselines and real samples."""

from collections.abc import Callable

import pytest

from octavo.evaluate.diagnosis.rules import memorisation_line
from octavo.pipeline.run import Run

Train = Callable[..., Run]


def kinds(run: Run) -> set[str]:
    return {finding.kind for finding in run.diagnose()}


def test_a_model_that_beats_every_table_of_counts_is_well(well: Run) -> None:
    well.memorisation(samples=8, tokens=100)
    assert kinds(well) == set()
    ngrams = next(baseline for baseline in well.baselines() if baseline.kind == "kneser-ney")
    assert well.evaluation.nats_per_character < 0.9 * ngrams.nats_per_character


@pytest.mark.parametrize(("steps", "expected"), [(3, "unigram"), (40, "bigram"), (600, "n-gram")])
def test_the_floor_is_the_one_in_the_table(trained_on: Train, play: str, steps: int, expected: str) -> None:
    run = trained_on(play, steps, tokenizer__dropout=0.0)
    score = run.evaluation
    above = [
        baseline.kind
        for baseline in run.baselines()
        if baseline.kind != "compressor" and score.nats_per_character > 0.99 * baseline.nats_per_character
    ]
    (floor,) = [kind for kind in kinds(run) if kind.startswith("no better than")]
    assert above, "or the text is one on which so short a run is well"
    assert floor == f"no better than {above[0].replace('kneser-ney', 'n-gram')}"
    assert floor == f"no better than {expected}"


def test_what_a_model_has_by_heart_is_found(trained_on: Train, play: str) -> None:
    settings = {"model__d_model": 64, "model__dropout": 0.0, "model__hidden_dropout": 0.0}
    run = trained_on(play[:1500], 100, tokenizer__dropout=0.0, **settings)
    assert "memorised" not in kinds(run), "it was not measured yet"
    measured = run.memorisation(samples=16, tokens=100)
    (found,) = [finding for finding in run.diagnose() if finding.kind == "memorised"]
    assert found.figures["share_found"] == measured.generated.fraction_found
    assert found.figures["share_found"] > found.figures["share_found_held_out"] + 0.05
    assert "sequences of 8 words" in found.words
    line = memorisation_line(measured)
    assert f"longest run {measured.generated.longest_run} characters" in line
    assert f"(validation split: {measured.held_out.longest_run}, " in line


def test_a_lossy_tokenizers_sequences_are_of_tokens(trained_on: Train, play: str) -> None:
    run = trained_on(play, 10, tokenizer__kind="whitespace-bpe", tokenizer__vocab_size=300, tokenizer__dropout=0.0)
    assert "sequences of 8 tokens" in memorisation_line(run.memorisation(samples=4, tokens=40))
    assert "not comparable" in kinds(run)
