"""The facts of the report, checked on its own experiment and on others."""

from typing import Any

import pytest

from octavo.experiments.reproduction.facts import TEXT, changed_settings, check_facts
from octavo.pipeline.run import Run

# As the course report states them, written out a second time.
FACTS = {
    "characters": 1_115_394,
    "lines": 40_000,
    "SHA-256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    "vocabulary": 500,
    "tokens": 448_129,
    "training tokens": 358_503,
    "validation tokens": 89_626,
    "training windows": 358_453,
    "steps per epoch": 5_601,
    "validation batches": 1_400,
    "parameters": 524_660,
    "ids of 'Hello Shakespeare!'": (314, 80, 55, 33, 89, 51, 86, 154, 158, 4),
    "its tokens": "He ll o S ha k es pe are !",
}


def test_the_reports_experiment_has_every_fact(reference: Run) -> None:
    assert not changed_settings(reference.config)
    facts = check_facts(reference)
    assert {fact.name: fact.expected for fact in facts} == FACTS
    assert {fact.name: fact.seen for fact in facts} == FACTS
    assert all(fact.equal and not fact.because for fact in facts)


def test_another_text_is_named_as_the_cause(untrained: Any, play: str) -> None:
    facts = {fact.name: fact for fact in check_facts(untrained(play))}
    assert facts["characters"].seen == len(play)
    assert facts["vocabulary"].equal
    assert facts["parameters"].equal, "the text decides no weight but through the vocabulary"
    differing = [fact for fact in facts.values() if not fact.equal]
    assert len(differing) > 6
    assert all(fact.because == (TEXT,) for fact in differing)


@pytest.mark.parametrize(
    ("overrides", "differing"),
    [
        (
            {"model.n_layers": 1, "optimizer.kind": "adamw"},
            {"parameters": ("model.n_layers",)},
        ),
        (
            {"data.context_length": 40, "data.batch_size": 32},
            {
                "training windows": ("data.context_length", TEXT),
                "steps per epoch": ("data.batch_size", "data.context_length", TEXT),
                "validation batches": ("data.batch_size", "data.context_length", TEXT),
            },
        ),
        (
            {"tokenizer.vocab_size": 300},
            {
                "vocabulary": (TEXT, "tokenizer.vocab_size"),
                "tokens": (TEXT, "tokenizer.vocab_size"),
                "parameters": (TEXT, "tokenizer.vocab_size"),
            },
        ),
    ],
)
def test_a_changed_setting_is_named_only_where_it_can_be_the_cause(
    untrained: Any, play: str, overrides: dict[str, Any], differing: dict[str, tuple[str, ...]]
) -> None:
    run = untrained(play, overrides)
    assert set(changed_settings(run.config)) == set(overrides)
    facts = {fact.name: fact for fact in check_facts(run)}
    for name, because in differing.items():
        assert not facts[name].equal
        assert facts[name].because == because
    assert facts["lines"].because == (TEXT,)


def test_a_changed_setting_shows_what_it_was(trained: Run) -> None:
    assert changed_settings(trained.config)["data.context_length"] == "50 → 32"
