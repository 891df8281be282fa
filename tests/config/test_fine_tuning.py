"""The config of a fine-tuned run: gentler than its parent's, and with the same shapes and tokens."""

from dataclasses import replace

import pytest

from octavo.config import Config, ScheduleConfig, TrainConfig
from octavo.config.fine_tuning import budget_words, fine_tuned_config, fine_tuning_base
from octavo.config.overrides import Request, first_difference
from octavo.errors import OctavoError


def test_the_base_has_smaller_learning_rates_a_longer_warmup_and_a_fifth_of_the_budget() -> None:
    base = fine_tuning_base(Config())
    assert (base.optimizer.learning_rate, base.optimizer.matrix_learning_rate) == (0.003, 0.006)
    assert (base.schedule.warmup, base.schedule.decay) == (0.05, 0.5)
    assert base.train.minutes == 0.96
    assert (base.model, base.tokenizer, base.data) == (Config().model, Config().tokenizer, Config().data)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (TrainConfig(steps=1000), "200 steps"),
        (TrainConfig(epochs=5), "1 epoch"),
        (TrainConfig(minutes=2), "0.4 minutes"),
    ],
)
def test_the_budget_keeps_its_kind(budget: TrainConfig, words: str) -> None:
    assert budget_words(fine_tuning_base(replace(Config(), train=budget))) == words


def test_the_smallest_budget_in_steps_is_one_step() -> None:
    assert fine_tuning_base(replace(Config(), train=TrainConfig(steps=2))).train.steps == 1


def test_a_warmup_that_leaves_no_room_for_the_decay_is_shortened() -> None:
    config = replace(Config(), schedule=ScheduleConfig(warmup=0.0, decay=0.98))
    assert fine_tuning_base(config).schedule.warmup == pytest.approx(0.02)


def test_a_run_that_was_fine_tuned_passes_its_settings_on() -> None:
    once = fine_tuning_base(Config())
    assert fine_tuning_base(once, again=True) == once


def test_budget_and_settings_of_the_user_come_on_top() -> None:
    request = Request(overrides={"optimizer.learning_rate": 0.02, "model.dropout": 0.3}, steps=7, seed=3)
    config = fine_tuned_config(Config(), request)
    assert (config.optimizer.learning_rate, config.model.dropout, config.train.seed) == (0.02, 0.3, 3)
    assert (config.train.steps, config.train.minutes) == (7, 0)
    assert config.optimizer.matrix_learning_rate == 0.006


@pytest.mark.parametrize(
    "setting",
    ["model.n_layers=3", "model.norm=layer", "tokenizer.vocab_size=600", "tokenizer.kind=characters"],
)
def test_a_setting_that_the_weights_do_not_fit_is_refused_by_name(setting: str) -> None:
    with pytest.raises(OctavoError, match=setting.partition("=")[0]):
        fine_tuned_config(Config(), Request(overrides=[setting]))


@pytest.mark.parametrize("setting", ["model.hidden_dropout=0", "tokenizer.dropout=0", "data.context_length=200"])
def test_a_setting_without_a_shape_may_change(setting: str) -> None:
    name = setting.partition("=")[0]
    config = fine_tuned_config(Config(), Request(overrides=[setting]))
    assert first_difference(config, fine_tuning_base(Config())) == name


def test_a_context_beyond_the_position_table_is_refused() -> None:
    learned = replace(Config(), model=replace(Config().model, position="learned", max_positions=128))
    with pytest.raises(OctavoError, match="context_length"):
        fine_tuned_config(learned, Request(overrides=["data.context_length=129"]))


def test_it_is_not_calibrated_unless_that_is_asked_for() -> None:
    parent = replace(Config(), train=replace(Config().train, calibrate=True))
    assert not fine_tuned_config(parent, Request(overrides=["train.patience=3"])).train.calibrate
    assert not fine_tuned_config(parent, Request(), again=True).train.calibrate
    assert fine_tuned_config(parent, Request(overrides=["train.calibrate=true"])).train.calibrate


def test_a_preset_is_refused() -> None:
    with pytest.raises(OctavoError, match="preset"):
        fine_tuned_config(Config(), Request(preset="pocket"))
