"""The settings that fit a text and a budget follow from the passes over the text and the number of steps."""

from typing import Any

import pytest

from octavo.config import load_preset
from octavo.config.hyperparameters import MAX_PASSES, Choice, choose_hyperparameters
from octavo.config.overrides import Request
from octavo.formats.toml_schema import with_overrides

TOKENS_PER_SECOND = 40_000.0


def chosen(train_bytes: int, *given: str, **budget: Any) -> dict[str, Any]:
    config = Request(**budget).applied_to(None)
    choices = choose_hyperparameters(
        config, given, train_bytes=train_bytes, tokens_per_second=TOKENS_PER_SECOND if "minutes" in budget else 0.0
    )
    with_overrides(config, [(choice.name, choice.value) for choice in choices])  # they are valid together
    assert all(choice.reason for choice in choices)
    return {choice.name: choice.value for choice in choices}


def test_a_longer_text_has_a_larger_vocabulary() -> None:
    sizes = [chosen(size, minutes=5)["tokenizer.vocab_size"] for size in (30_000, 90_000, 270_000, 1_000_000)]
    assert sizes == [288, 576, 1696, 2048]


def test_more_passes_take_more_dropout() -> None:
    few, some, many = (chosen(size, minutes=5) for size in (10_000_000, 600_000, 300_000))
    assert few["model.dropout"] == 0.0 < some["model.dropout"] < many["model.dropout"]
    assert all(values["model.hidden_dropout"] == values["model.dropout"] for values in (few, some, many))


def test_a_deeper_model_is_for_many_passes_and_takes_its_own_time() -> None:
    assert [chosen(90_000, minutes=minutes)["model.n_layers"] for minutes in (0.5, 1.1, 5)] == [2, 3, 4]
    assert [chosen(90_000, epochs=epochs)["model.n_layers"] for epochs in (20, 42, 50)] == [2, 3, 4]
    for given in ("train.patience", "train.calibrate"):
        assert chosen(90_000, given, minutes=5)["model.n_layers"] == 2, "deeper pays where the run is calibrated"
    assert chosen(5_000, minutes=5)["model.n_layers"] == 2
    assert chosen(1_000_000, minutes=200)["model.n_layers"] == 2, "60 passes count as 37 there"
    deep, flat = chosen(90_000, minutes=60), chosen(90_000, "model.n_layers", minutes=60)
    assert deep["train.minutes"] > 1.3 * flat["train.minutes"]


def test_a_short_budget_has_small_batches_so_that_steps_are_left() -> None:
    sizes = [chosen(1_000_000, minutes=minutes)["data.batch_size"] for minutes in (0.3, 1, 2, 5)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (16, 64)


def test_weight_decay_falls_with_the_number_of_steps() -> None:
    short, long = (chosen(1_000_000, steps=steps)["optimizer.weight_decay"] for steps in (400, 4000))
    assert short == pytest.approx(10 * long, rel=0.02)


def test_many_passes_are_calibrated_unless_the_text_is_too_short_for_it() -> None:
    assert chosen(300_000, minutes=5)["train.calibrate"] is True
    assert "train.calibrate" not in chosen(10_000_000, minutes=1)
    assert "train.calibrate" not in chosen(5_000, minutes=1)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (0.0, "0"), (1024, "1024"), (0.15, "0.15")])
def test_a_choice_is_written_as_an_option_takes_it(value: float | bool, text: str) -> None:
    assert str(Choice("a.b", value, "because")) == f"a.b={text}"


def test_a_text_is_read_at_most_so_often_whatever_the_time() -> None:
    given = "model.n_layers"  # or the deeper model would be slower than the speed that was measured
    minutes = [chosen(90_000, given, minutes=each).get("train.minutes", each) for each in (1, 5, 15, 60)]
    assert minutes[0] == 1
    assert minutes[1] == minutes[2] == minutes[3] < 5
    tokens = 60 * minutes[1] * TOKENS_PER_SECOND
    assert tokens / (90_000 / 2.1) == pytest.approx(MAX_PASSES, rel=0.01)
    assert "train.minutes" not in chosen(10_000_000, minutes=60)


def test_each_end_of_a_document_is_a_token_of_a_pass() -> None:
    config = Request(minutes=5).applied_to(None)
    size: dict[str, Any] = {"train_bytes": 21_000, "tokens_per_second": TOKENS_PER_SECOND}
    without, with_ends = (
        next(c.value for c in choose_hyperparameters(config, (), ends=ends, **size) if c.name == "train.minutes")
        for ends in (0, 10_000)
    )
    assert with_ends == pytest.approx(2 * without, rel=0.01)


def test_one_pass_and_one_step_are_said_as_one() -> None:
    config = Request(steps=1).applied_to(None)
    reasons = " ".join(
        c.reason for c in choose_hyperparameters(config, (), train_bytes=16_000, tokens_per_second=0.0)
    )
    assert "1 pass " in reasons
    assert reasons.endswith("1 step")


@pytest.mark.parametrize("budget", [{"steps": 300}, {"epochs": 7.0}])
def test_a_budget_that_is_no_time_needs_no_speed(budget: dict[str, Any]) -> None:
    values = chosen(1_000_000, **budget)
    assert "train.minutes" not in values
    assert ("data.batch_size" in values) == ("epochs" in budget), "steps of another size would be another budget"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("optimizer.kind", "optimizer.weight_decay"),
        ("optimizer.matrix_learning_rate", "optimizer.weight_decay"),
        ("tokenizer.kind", "tokenizer.vocab_size"),
        ("data.context_length", "data.batch_size"),
        ("model.dropout", "model.dropout"),
        ("train.patience", "train.calibrate"),
    ],
)
def test_what_the_user_sets_is_left_alone_with_what_depends_on_it(given: str, left: str) -> None:
    assert left in chosen(300_000, minutes=1)
    assert left not in chosen(300_000, given, minutes=1)


@pytest.mark.parametrize("size", [0, 1, 500, 10**10])
def test_any_length_of_text_has_valid_settings(size: int) -> None:
    for budget in ({"minutes": 0.001}, {"minutes": 1e5}, {"steps": 1}, {"epochs": 1e5}):
        assert chosen(size, **budget)["tokenizer.vocab_size"] >= 288


def test_tiny_shakespeare_in_five_minutes_is_near_the_preset() -> None:
    values = chosen(1_003_854, minutes=4.8)
    pocket = load_preset("pocket")
    assert values["data.batch_size"] == pocket.data.batch_size
    assert 512 <= values["tokenizer.vocab_size"] <= 2048
    assert values["model.dropout"] == pytest.approx(pocket.model.dropout, abs=0.06)
    assert values["optimizer.weight_decay"] == pytest.approx(pocket.optimizer.weight_decay, abs=0.1)
