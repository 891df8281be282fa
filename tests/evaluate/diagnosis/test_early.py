"""The diagnosis while a run trains."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from octavo.config import load_preset
from octavo.config.overrides import Request
from octavo.evaluate.diagnosis.case import ValidationPoint
from octavo.evaluate.diagnosis.diagnosis import EarlyDiagnosis, early_baseline_losses
from octavo.pipeline.run import Run

# The looks of a reference run's first epoch, every eighth: step, loss, length of the weights.
FIRST_EPOCH = (
    (200, 5.39, 242),
    (1800, 5.24, 159),
    (3400, 5.07, 97),
    (4200, 5.11, 74),
    (5000, 5.525, 55),
    (5200, 5.53, 51),
)
LOOKS = [ValidationPoint(step, loss, loss, float(norm)) for step, loss, norm in FIRST_EPOCH]
FLOORS = {"uniform": 6.21, "unigram": 5.5305}


def told(early: EarlyDiagnosis, looks: list[ValidationPoint]) -> list[tuple[int, str]]:
    return [(look.step, finding.kind) for look in looks for finding in early.update(look, look.step / 56_010)]


def test_a_finding_is_told_once() -> None:
    assert told(EarlyDiagnosis(load_preset("reference"), FLOORS), LOOKS) == [(5200, "collapse")]


def test_a_resumed_run_does_not_tell_again_what_was_told_before() -> None:
    records: list[dict[str, Any]] = [{"event": "validation", **asdict(look)} for look in LOOKS]
    records.append({"event": "finding", "kind": "collapse"})
    assert told(EarlyDiagnosis(load_preset("reference"), FLOORS, records), LOOKS[-1:]) == []
    assert told(EarlyDiagnosis(load_preset("reference"), FLOORS, records[:5]), LOOKS[5:]) == [(5200, "collapse")]


def test_a_spike_is_no_collapse() -> None:
    early = EarlyDiagnosis(load_preset("reference"), FLOORS)
    spike = [
        ValidationPoint(step, loss, loss, 100.0) for step, loss in ((1, 4.6), (2, 4.2), (3, 5.6), (4, 4.1), (5, 3.9))
    ]
    assert told(early, spike) == []


def test_nothing_is_said_of_a_run_that_has_only_begun() -> None:
    early = EarlyDiagnosis(Request(steps=100).applied_to(None), FLOORS)
    assert not early.update(ValidationPoint(10, 6.2, 6.2, 50.0), 0.1)
    assert [finding.kind for finding in early.update(ValidationPoint(30, 6.2, 6.2, 50.0), 0.3)] == [
        "no better than uniform"
    ]


def test_the_floors_are_those_of_the_windows_looked_at(make_training: Any, tiny: dict[str, Any], play: str) -> None:
    training = make_training(Request(overrides=tiny, steps=1).applied_to(None), play)
    learned = np.array([0, 5, 5, 6, 0, 7], np.uint16)
    floors = early_baseline_losses(training.data, learned, 512, 0)
    targets = training.data.validation.gather(training.data.validation_indices)[1].numpy().ravel()
    counts = {5: 2, 6: 1, 7: 1}  # of 4 tokens; every one of 511 is counted once more, so that none is impossible
    expected = [-np.log((counts.get(int(target), 0) + 1) / (4 + 511)) for target in targets if target]
    assert floors["unigram"] == pytest.approx(np.mean(expected))
    assert floors["uniform"] == pytest.approx(np.log(512))


def test_a_run_that_collapses_says_so_and_keeps_it(collapsed_run: tuple[Run, str]) -> None:
    run, said = collapsed_run
    (record,) = [record for record in run.metrics if record["event"] == "finding" and record["kind"] == "collapse"]
    assert record["step"] < 300
    assert "optimizer.kind=adamw" in record["fix"]
    assert "collapse: " in said
    kinds = {finding.kind for finding in run.diagnose()}
    assert {"no better than unigram", "collapse", "not comparable"} <= kinds
    kept = run.directory.read_json("diagnosis.json")
    assert {finding["kind"] for finding in kept["findings"]} == kinds
    assert kept["checkpoint"] == run.checkpoint
    assert not (run.path / "samples.txt").exists()
