"""No two findings give advice that contradicts."""

import re
from itertools import combinations

import pytest

from octavo.evaluate.diagnosis.advice import (
    MORE_TEXT,
    OPPOSITE_CHANGES,
    REQUESTED_CHANGES,
    is_contradiction,
    reconcile,
)
from octavo.evaluate.diagnosis.case import Finding, Severity
from octavo.evaluate.diagnosis.rules import BASELINE_FINDINGS

# As each finding words its advice, in the order in which they are shown.
FIXES = {
    **{f"no better than {name}": fix for name, (_, _, fix) in BASELINE_FINDINGS.items()},
    "collapse": "lower the learning rate (optimizer.learning_rate): an update was too large",
    "overlap": "remove the copies from the text, then train on the rest",
    "distribution shift": "shuffle the lines or documents of the text, unless their order is what you want to test",
    "overfitting": "stop there (train.patience), use more text or more dropout, or a smaller model",
    "memorised": "use more text, a smaller budget, more dropout or a smaller model",
    "underfitting": "train longer, if that gain is worth it",
    "not comparable": "use tokenizer.kind=bpe or tokenizer.kind=characters for comparable figures",
}
MORE = re.compile(r"more steps|larger budget|train longer|raise optimizer|another learning rate|model's size")
LESS = re.compile(r"stop there|smaller budget|smaller model|lower the learning rate|copies|shuffle")


def findings(*kinds: str, severity: Severity = "warning") -> list[Finding]:
    return [Finding(kind, severity, "words", fix) for kind, fix in FIXES.items() if kind in kinds]


def test_each_kind_has_its_place() -> None:
    assert REQUESTED_CHANGES.keys() == FIXES.keys()
    known = {*OPPOSITE_CHANGES, *(change for opposite in OPPOSITE_CHANGES.values() for change in opposite)}
    assert set().union(*REQUESTED_CHANGES.values()) <= known


def test_over_all_combinations_no_advice_contradicts_another() -> None:
    told = 0
    for count in range(len(FIXES) + 1):
        for kinds in combinations(FIXES, count):
            kept = reconcile(findings(*kinds))
            assert {finding.kind for finding in kept} >= set(kinds) - {"underfitting"}
            assert [finding.kind for finding in kept] == [kind for kind in FIXES if kind in {f.kind for f in kept}]
            advice = [finding for finding in kept if finding.fix]
            for one, other in combinations(advice, 2):
                assert not is_contradiction(REQUESTED_CHANGES[one.kind], REQUESTED_CHANGES[other.kind]), (
                    one.kind,
                    other.kind,
                )
            words = " ".join(finding.fix for finding in advice)
            assert not (MORE.search(words) and LESS.search(words)), words
            assert bool(advice) == bool(kinds), "whatever is found, one advice stands"
            told += len(advice)
    assert told > 6_000


@pytest.mark.parametrize("cause", ["collapse", "overlap", "distribution shift", "overfitting", "memorised"])
def test_a_cause_comes_before_a_score_that_is_merely_high(cause: str) -> None:
    floor, found, *others = reconcile(findings(cause, "no better than unigram", "underfitting"))
    assert (floor.kind, floor.fix) == ("no better than unigram", "")
    assert (found.kind, bool(found.fix), others) == (cause, True, [])


@pytest.mark.parametrize("cause", ["collapse", "overlap", "distribution shift", "overfitting", "memorised"])
@pytest.mark.parametrize("floor", ["uniform", "unigram", "bigram"])
def test_more_text_contradicts_no_cause(floor: str, cause: str) -> None:
    told = [Finding(f"no better than {floor}", "error", "it does not carry over", MORE_TEXT), *findings(cause)]
    assert reconcile(told) == told


def test_overfitting_whose_best_weights_were_kept_does_not_go_with_more_training() -> None:
    stopped = Finding("overfitting", "warning", "words, whose weights were kept", "")
    assert reconcile([stopped, *findings("underfitting")]) == [stopped]


def test_a_note_without_advice_prevents_none() -> None:
    note = Finding("overlap", "note", "2 % of the held-out text stands in the training part")
    longer = findings("underfitting", severity="note")
    assert reconcile([note, *longer]) == [note, *longer]
