"""Each finding on a run that has the problem, and none on a healthy run."""

import math
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from octavo.config.overrides import Request
from octavo.evaluate import Shift
from octavo.evaluate.diagnosis.advice import MORE_TEXT
from octavo.evaluate.diagnosis.case import Case, Finding, ValidationPoint, validation_points
from octavo.evaluate.diagnosis.diagnosis import diagnose, diagnose_early
from octavo.pipeline.run import Run
from octavo.runs.events import EndEvent
from octavo.training.loop import Training

MakeTraining = Callable[..., Training]
MakeCase = Callable[..., Case]

PLAIN: dict[str, Any] = {"tokenizer.dropout": 0.0, "model.dropout": 0.0, "model.hidden_dropout": 0.0}


@pytest.fixture(scope="module")
def make_case(make_training: MakeTraining, small: dict[str, Any]) -> MakeCase:
    """Train for real, and look at what came of it with the unigram floor of the text that was looked at."""

    def make(text: str, overrides: dict[str, Any], *, preset: str | None = None, **budget: Any) -> Case:
        config = Request(preset, small | overrides, **budget).applied_to(None)
        training = make_training(config, text)
        records = [{"event": event.kind, **asdict(event)} for event in training]
        data, vocabulary = training.data, training.state.model.vocab_size
        learned = data.windows.base.gather(np.arange(len(data.windows)))[1].numpy().ravel()
        seen = data.validation.gather(data.validation_indices)[1].numpy().ravel()
        counts = np.bincount(learned, minlength=vocabulary) + 0.01
        unigram = float(-np.log(counts[seen] / counts.sum()).mean())
        looks = validation_points(records)
        stopped = next(record["reason"] for record in records if record["event"] == EndEvent.kind) == "patience"
        floors = {"uniform": math.log(vocabulary), "unigram": unigram}
        return Case(
            config, looks, looks[-1].loss, floors, data.validation_tokens_per_character, early_stopped=stopped
        )

    return make


def case_of(run: Run) -> Case:
    looks = validation_points(run.metrics)
    floors = {b.kind: b.nats_per_token for b in run.baselines() if b.kind == "unigram" and b.nats_per_token}
    uniform = math.log(run.model.vocab_size)
    score = run.evaluation
    return Case(run.config, looks, looks[-1].loss, {"uniform": uniform} | floors, score.tokens / score.characters)


@pytest.fixture(scope="module")
def healthy(well: Run) -> Case:
    return case_of(well)


@pytest.fixture(scope="module")
def collapsed(collapsed_run: tuple[Run, str]) -> Case:
    return case_of(collapsed_run[0])


@pytest.fixture(scope="module")
def memorising(make_case: MakeCase, play: str) -> Case:
    overrides = PLAIN | {"tokenizer.vocab_size": 300, "train.validate_every": 10, "model.n_layers": 2}
    return make_case(play[:6000], overrides, steps=150)


def kinds(findings: list[Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def test_a_healthy_run_is_well(healthy: Case) -> None:
    assert healthy.loss < 1.3 < healthy.baseline_losses["unigram"]
    assert diagnose(healthy) == []
    for looks in range(1, len(healthy.points) + 1):
        assert diagnose_early(replace(healthy, points=healthy.points[:looks]), looks / len(healthy.points)) == []


class TestCollapse:
    def test_it_names_coupled_decay_and_its_fix(self, collapsed: Case) -> None:
        found = {finding.kind: finding for finding in diagnose(collapsed)}
        assert {"no better than unigram", "collapse"} <= set(found)
        fallen = found["collapse"]
        assert fallen.severity == "error"
        assert "optimizer.weight_decay=0.04" in fallen.fix
        assert "optimizer.kind=adamw" in fallen.fix
        assert fallen.figures["last_weights"] < 0.7 * fallen.figures["longest_weights"]

    def test_it_is_told_while_the_run_still_trains(self, collapsed: Case) -> None:
        looks = collapsed.points
        early = [
            diagnose_early(replace(collapsed, points=looks[:n], loss=looks[n - 1].loss), n / len(looks))
            for n in range(1, len(looks))
        ]
        assert any("collapse" in kinds(found) for found in early)
        assert early[0] == []

    def test_the_same_recipe_with_decoupled_decay_is_well(self, make_case: MakeCase, shakespeare: str) -> None:
        overrides = {
            "optimizer.kind": "adamw",
            "optimizer.learning_rate": 3e-3,
            "optimizer.weight_decay": 0.04,
            "tokenizer.vocab_size": 100,
            "train.validate_epochs": False,
        }
        case = make_case(shakespeare[:100_000], overrides, preset="reference", steps=300)
        assert not kinds(diagnose(case)) & {"collapse", "no better than unigram", "no better than uniform"}

    def test_what_fell_and_rose_is_told_so(self, collapsed: Case) -> None:
        """The looks of a reference run's first epoch, every eighth."""
        measured = {
            200: (5.39, 242),
            1800: (5.24, 159),
            3400: (5.07, 97),
            4200: (5.11, 74),
            5000: (5.525, 55),
            5200: (5.53, 51),
        }
        one = collapsed.points[0]
        looks = tuple(
            replace(one, step=s, loss=loss, train_loss=loss, weight_norm=w) for s, (loss, w) in measured.items()
        )
        case = replace(collapsed, points=looks, loss=looks[-1].loss, baseline_losses={"unigram": 5.5305})
        (fallen,) = [finding for finding in diagnose(case) if finding.kind == "collapse"]
        bits = [f"{case.bits(loss):.3f}" for loss in (5.07, 5.53, 5.5305)]
        assert re.findall(r"[\d.,]+\d", fallen.words) == [bits[0], "3,400", bits[1], bits[2], "242", "51"]

    def test_without_shrinking_weights_the_learning_rate_is_named(self, collapsed: Case) -> None:
        looks = tuple(
            ValidationPoint(step, loss, loss, 50.0) for step, loss in enumerate((5.4, 4.9, 4.6, 5.7, 5.8), 1)
        )
        case = replace(collapsed, points=looks, loss=5.8, baseline_losses={"unigram": 5.53})
        (fallen,) = [finding for finding in diagnose(case) if finding.kind == "collapse"]
        assert "learning rate" in fallen.fix

    def test_of_a_run_that_kept_its_best_weights_it_is_told_too(self, collapsed: Case) -> None:
        kept = replace(collapsed, early_stopped=True, loss=3.0, split_label="early-stopping split")
        (fallen,) = [finding for finding in diagnose(kept) if finding.kind == "collapse"]
        assert fallen.severity == "warning"
        assert "early-stopping split" in fallen.words

    def test_what_never_was_below_the_floor_did_not_fall_back_to_it(self, collapsed: Case) -> None:
        """Forty steps on 30 kB of Chinese: a little better than chance, then a little worse; the weights grow."""
        measured = {2: (6.02, 6.01, 51.0), 20: (5.84, 5.80, 52.0), 30: (5.88, 5.79, 53.0), 40: (5.90, 5.78, 54.0)}
        looks = tuple(ValidationPoint(step, *values) for step, values in measured.items())
        case = replace(collapsed, points=looks, loss=5.90, baseline_losses={"uniform": 6.24, "unigram": 5.80})
        assert "collapse" not in kinds(diagnose(case))

    def test_a_model_that_overfits_to_the_floor_and_past_it_has_not_collapsed(self, memorising: Case) -> None:
        floor = min(look.loss for look in memorising.points) / 0.985
        assert min(look.loss for look in memorising.points[-2:]) > floor
        case = replace(memorising, baseline_losses={"unigram": floor})
        assert kinds(diagnose(case)) & {"collapse", "overfitting"} == {"overfitting"}


class TestFloors:
    def test_what_is_said_is_true_of_a_model_above_the_floor_too(self, healthy: Case) -> None:
        floors = {"uniform": 6.21, "unigram": 5.51}
        looks = tuple(replace(look, loss=6.1, train_loss=6.1) for look in healthy.points)
        case = replace(healthy, points=looks, baseline_losses=floors)
        (like,), (worse,) = (diagnose(replace(case, loss=loss)) for loss in (5.52, 6.1))
        assert like.words.split(":")[0] != worse.words.split(":")[0]
        assert f"{case.bits(5.52):.3f} bits per character" in like.words
        assert f"{case.bits(6.1):.3f} bits per character" in worse.words

    def test_of_a_model_that_knows_its_own_text_it_is_not_said_that_it_learned_nothing(self, healthy: Case) -> None:
        floors = {"uniform": 6.21, "unigram": 5.51}
        (found,) = diagnose(replace(healthy, loss=6.1, baseline_losses=floors))
        assert found.kind == "no better than unigram"
        assert found.fix == MORE_TEXT

    def test_of_a_model_that_overfits_neither(self, memorising: Case) -> None:
        floor = max(look.train_loss for look in memorising.points)
        found = {one.kind: one for one in diagnose(replace(memorising, loss=9.0, baseline_losses={"unigram": floor}))}
        assert found.keys() >= {"overfitting", "no better than unigram"}
        assert found["no better than unigram"].fix == MORE_TEXT
        assert "more text" in found["overfitting"].fix

    def test_a_model_that_has_learned_nothing_yet(self, make_case: MakeCase, play: str) -> None:
        case = make_case(play, {"train.validate_every": 1}, steps=2)
        (stuck, *_) = diagnose(case)
        assert stuck.kind in ("no better than uniform", "no better than unigram")
        assert stuck.severity == "error"

    @pytest.mark.parametrize(
        ("loss", "kind"),
        [
            (3.45, "no better than uniform"),
            (2.98, "no better than unigram"),
            (2.2, "no better than bigram"),
            (1.5, "no better than n-gram"),
            (1.4, ""),
        ],
    )
    def test_the_lowest_floor_that_is_not_beaten_is_named(self, healthy: Case, loss: float, kind: str) -> None:
        floors = {"uniform": 3.47, "unigram": 3.0, "bigram": 2.2, "n-gram": 1.5}
        found = diagnose(replace(healthy, loss=loss, baseline_losses=floors))
        assert kinds(found) == ({kind} if kind else set())


class TestOverfitting:
    def test_it_is_found_with_the_step_where_it_began(self, memorising: Case) -> None:
        (found,) = [finding for finding in diagnose(memorising) if finding.kind == "overfitting"]
        lowest = min(memorising.points, key=lambda look: look.loss)
        assert found.figures["onset_step"] == lowest.step <= 120
        assert f"step {lowest.step:,}" in found.words
        assert "train.patience" in found.fix
        assert "underfitting" not in kinds(diagnose(memorising))

    def test_a_run_that_stopped_early_kept_its_best_weights(self, make_case: MakeCase, play: str) -> None:
        overrides = PLAIN | {"tokenizer.vocab_size": 300, "train.validate_every": 10, "train.patience": 6}
        case = make_case(play[:8000], overrides, steps=1000)
        (found,) = [finding for finding in diagnose(case) if finding.kind == "overfitting"]
        assert not found.fix

    def test_of_a_calibrated_run_the_last_point_alone_counts(self, memorising: Case) -> None:
        config = replace(memorising.config, train=replace(memorising.config.train, calibrate=True))
        rising = replace(memorising, config=config)
        assert "overfitting" in kinds(diagnose(rising))
        assert "overfitting" not in kinds(diagnose_early(replace(rising, ended=False), 0.9)), "not calibrated yet"
        lowest = min(look.loss for look in rising.points)
        points = (*rising.points[:-1], replace(rising.points[-1], loss=lowest + 0.01))
        assert "overfitting" not in kinds(diagnose(replace(rising, points=points)))

    def test_a_loss_that_rises_on_both_is_something_else(self, memorising: Case) -> None:
        looks = tuple(replace(look, train_loss=look.loss) for look in memorising.points)
        assert "overfitting" not in kinds(diagnose(replace(memorising, points=looks)))


class TestUnderfitting:
    def test_what_more_would_bring_is_about_what_more_brings(self, make_case: MakeCase, shakespeare: str) -> None:
        overrides = PLAIN | {"schedule.kind": "constant", "optimizer.kind": "adamw", "optimizer.learning_rate": 2e-3}
        text = shakespeare[:100_000]
        case, longer = make_case(text, overrides, steps=100), make_case(text, overrides, steps=200)
        (found,) = [finding for finding in diagnose(case) if finding.kind == "underfitting"]
        assert f"{case.bits(found.figures['gain_nats_per_token']):.3f} bits per character" in found.words
        gained = case.loss - longer.loss
        assert 0.5 * gained < found.figures["gain_nats_per_token"] < 2 * gained

    def test_a_run_that_did_not_end_says_nothing_of_its_end(self, healthy: Case) -> None:
        looks = tuple(
            replace(look, loss=5 - 0.3 * np.log(i + 1), train_loss=3.0) for i, look in enumerate(healthy.points)
        )
        falling = replace(healthy, points=looks)
        assert kinds(diagnose(falling)) == {"underfitting"}
        assert diagnose(replace(falling, ended=False)) == []

    def test_too_few_looks_say_nothing(self, memorising: Case) -> None:
        assert diagnose(replace(memorising, points=memorising.points[:4], loss=1.0)) == []


def test_a_lossy_tokenizer_is_told_of(healthy: Case) -> None:
    assert kinds(diagnose(replace(healthy, lossless=False))) == {"not comparable"}


def test_findings_are_plain_values_and_lines(collapsed: Case) -> None:
    for finding in diagnose(collapsed):
        assert asdict(finding)["kind"] == finding.kind
        assert finding.lines()[0].startswith(f"{finding.kind}: ")


class TestShift:
    def test_a_loss_that_rises_on_text_of_another_kind_is_no_overfitting(self, memorising: Case) -> None:
        assert "overfitting" in {found.kind for found in diagnose(memorising)}
        other_kind = Shift(train=1.4, held_out=2.8, standard_error=0.05)
        kinds = {found.kind for found in diagnose(replace(memorising, shift=other_kind))}
        assert "distribution shift" in kinds
        assert "overfitting" not in kinds
