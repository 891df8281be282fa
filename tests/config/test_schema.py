"""Configs: presets, what values may be, and budgets."""

from typing import Any

import pytest

from octavo.config import (
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TokenizerConfig,
    TrainConfig,
    config_from_toml,
    load_preset,
    preset_names,
    preset_text,
)
from octavo.config.inference import SamplingConfig, check_scoring
from octavo.config.loading import with_one_budget
from octavo.errors import OctavoError
from octavo.formats.toml_schema import as_mapping, dotted_names, parse_assignment, to_toml, with_overrides


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_comes_back_from_its_toml(name: str) -> None:
    config = load_preset(name)
    assert config_from_toml(to_toml(config), "text") == config
    assert as_mapping(config_from_toml(to_toml(config), "text")) == as_mapping(config)


def test_wsd_is_another_name_of_the_trapezoid() -> None:
    trapezoid = config_from_toml('[schedule]\nkind = "trapezoid"\nwarmup = 0.3', "text")
    assert config_from_toml('[schedule]\nkind = "wsd"\nwarmup = 0.3', "text") == trapezoid
    assert trapezoid.schedule.kind == "trapezoid"
    assert 'kind = "trapezoid"' in to_toml(with_overrides(trapezoid, [("schedule.kind", "wsd")]))
    with pytest.raises(OctavoError, match=r"warmup.*decay"):
        ScheduleConfig(kind="wsd", warmup=0.6, decay=0.6)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_first_what_it_is_for(name: str) -> None:
    first = preset_text(name).splitlines()[0]
    assert first.startswith("# ")
    assert 20 < len(first) < 120


def test_the_presets() -> None:
    assert {"minute", "pocket", "reference"} == set(preset_names())
    assert preset_names() == sorted(preset_names())
    with pytest.raises(OctavoError, match=r"there is no preset 'poket': did you mean 'pocket'"):
        load_preset("poket")


def test_the_reference_has_the_settings_of_its_report() -> None:
    config = load_preset("reference")
    data, model, optimizer, train = config.data, config.model, config.optimizer, config.train
    assert (data.context_length, data.window_stride, data.batch_size, data.last_batch) == (50, 1, 64, "partial")
    assert (data.validation, data.test, data.split_by) == (0.2, 0.0, "tokens")
    assert (config.tokenizer.kind, config.tokenizer.vocab_size) == ("whitespace-bpe", 500)
    assert (model.n_layers, model.d_model, model.n_heads, model.head_width, model.d_ff) == (2, 128, 4, 32, 512)
    assert (model.dropout, model.hidden_dropout, model.initialisation) == (0.1, 0.1, "pytorch")
    assert (optimizer.kind, optimizer.learning_rate, optimizer.betas) == ("adam", 3e-4, (0.9, 0.98))
    assert (optimizer.weight_decay, optimizer.clip_norm) == (0.01, 1.0)
    assert (config.schedule.kind, config.schedule.warmup) == ("constant", 0.0)
    assert (train.epochs, train.seed, train.validate_epochs, train.checkpoint_every) == (10.0, 42, True, 11_202)


def test_sizes_follow_from_each_other() -> None:
    model = ModelConfig(d_model=96, n_heads=6, n_kv_heads=2)
    assert (model.head_width, model.key_value_heads) == (16, 2)
    assert ModelConfig(d_model=10, n_heads=4, d_head=8).head_width == 8
    assert ModelConfig(n_heads=8).key_value_heads == 8
    assert DataConfig(context_length=7).window_stride == 7
    assert DataConfig(context_length=7, stride=3).window_stride == 3


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (DataConfig, {"context_length": 1}, r"data\.context_length=1 is out of range: use 2 to"),
        (DataConfig, {"stride": -1}, r"data\.stride=-1 is out of range"),
        (DataConfig, {"batch_size": 0}, r"data\.batch_size=0 is out of range"),
        (DataConfig, {"validation": 0.91}, r"data\.validation=0\.91 is out of range"),
        (DataConfig, {"validation": float("nan")}, r"data\.validation=nan is out of range"),
        (DataConfig, {"validation": 0.0}, r"data\.validation is 0"),
        (DataConfig, {"test": -0.1}, r"data\.test=-0\.1 is out of range"),
        (DataConfig, {"validation": 0.5, "test": 0.5}, r"data\.validation and data\.test .* 0\.9"),
        (TokenizerConfig, {"vocab_size": 7}, r"tokenizer\.vocab_size=7 is out of range"),
        (TokenizerConfig, {"vocab_size": 0}, r"tokenizer\.vocab_size=0 is out of range"),
        (TokenizerConfig, {"kind": "characters", "vocab_size": 7}, r"tokenizer\.vocab_size=7 is out of range"),
        (TokenizerConfig, {"vocab_size": 2**21}, r"tokenizer\.vocab_size=2097152 is out of range"),
        (ModelConfig, {"n_layers": 0}, r"model\.n_layers=0 is out of range"),
        (ModelConfig, {"d_model": 2**21}, r"model\.d_model=2097152 is out of range"),
        (ModelConfig, {"n_kv_heads": -1}, r"model\.n_kv_heads=-1 is out of range"),
        (ModelConfig, {"dropout": 0.95}, r"model\.dropout=0\.95 is out of range"),
        (ModelConfig, {"hidden_dropout": -0.1}, r"model\.hidden_dropout=-0\.1 is out of range"),
        (ModelConfig, {"position_base": 0.5}, r"model\.position_base=0\.5 is out of range"),
        (ModelConfig, {"norm_epsilon": -1e-6}, r"model\.norm_epsilon=-1e-06 is out of range"),
        (
            ModelConfig,
            {"d_model": 10},
            r"d_model=10 does not divide into model\.n_heads=4 heads: use a multiple of 4",
        ),
        (ModelConfig, {"n_kv_heads": 3}, r"n_heads=4 is not a multiple of model\.n_kv_heads=3"),
        (ModelConfig, {"d_head": 7}, r"a head is 7 wide: choose an even model\.d_head"),
        (OptimizerConfig, {"learning_rate": -1.0}, r"optimizer\.learning_rate=-1\.0 is out of range"),
        (OptimizerConfig, {"matrix_learning_rate": 11.0}, r"matrix_learning_rate=11\.0 is out of range"),
        (OptimizerConfig, {"betas": (0.9, 1.0)}, r"optimizer\.betas .*=1\.0 is out of range"),
        (OptimizerConfig, {"momentum": 1.0}, r"optimizer\.momentum=1\.0 is out of range"),
        (OptimizerConfig, {"epsilon": 2.0}, r"optimizer\.epsilon=2\.0 is out of range"),
        (OptimizerConfig, {"weight_decay": -0.1}, r"optimizer\.weight_decay=-0\.1 is out of range"),
        (OptimizerConfig, {"clip_norm": -0.1}, r"optimizer\.clip_norm=-0\.1 is out of range"),
        (ScheduleConfig, {"warmup": 1.1}, r"schedule\.warmup=1\.1 is out of range"),
        (ScheduleConfig, {"final": -0.1}, r"schedule\.final=-0\.1 is out of range"),
        (ScheduleConfig, {"warmup": 0.6}, "exceed 1 together: lower one of them"),
        (TrainConfig, {}, r"one budget: .*train\.steps, train\.epochs or train\.minutes"),
        (TrainConfig, {"steps": 1, "epochs": 1.0}, "one budget"),
        (TrainConfig, {"steps": -1}, r"train\.steps=-1 is out of range"),
        (TrainConfig, {"minutes": float("inf")}, r"train\.minutes=inf is out of range"),
        (TrainConfig, {"steps": 1, "seed": -1}, r"train\.seed=-1 is out of range"),
        (TrainConfig, {"steps": 1, "seed": 2**63}, r"train\.seed=\d+ is out of range"),
        (TrainConfig, {"steps": 1, "log_every": 0}, r"train\.log_every=0 is out of range"),
        (TrainConfig, {"steps": 1, "checkpoint_every": 0}, r"train\.checkpoint_every=0 is out of range"),
        (TrainConfig, {"steps": 1, "keep_checkpoints": -1}, r"train\.keep_checkpoints=-1 is out of range"),
        (TrainConfig, {"steps": 1, "average": 1.0}, r"train\.average=1\.0 is out of range"),
        (TrainConfig, {"steps": 1, "patience": 2, "validate_every": -1}, r"set train\.validate_every to 0 or more"),
        (SamplingConfig, {"temperature": -1.0}, "temperature=-1.0 is out of range"),
        (SamplingConfig, {"top_p": 0.0}, "top_p=0.0 is out of range"),
        (SamplingConfig, {"min_p": 1.5}, "min_p=1.5 is out of range"),
        (SamplingConfig, {"max_new_tokens": 0}, "max_new_tokens=0 is out of range"),
    ],
)
def test_what_cannot_be_is_refused(section: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(OctavoError, match=message):
        section(**values)


def test_what_may_be_at_the_edge_is_taken() -> None:
    DataConfig(context_length=2, batch_size=1, validation=0.9)
    ModelConfig(d_model=7, n_heads=1, position="none", dropout=0.9)
    ScheduleConfig(warmup=0.5, decay=0.5)
    ScheduleConfig(kind="cosine", warmup=1.0)
    OptimizerConfig(clip_norm=float("inf"))
    TrainConfig(steps=1, seed=2**63 - 1, patience=1, validate_every=1)


def test_sections_must_fit_together() -> None:
    with pytest.raises(OctavoError, match=r"split_by=tokens needs a tokenizer .* set tokenizer\.trained_on=all"):
        Config(data=DataConfig(split_by="tokens"), tokenizer=TokenizerConfig(kind="whitespace-bpe"))
    with pytest.raises(OctavoError, match=r"split_by=tokens is for tokenizer\.kind=whitespace-bpe"):
        Config(data=DataConfig(split_by="tokens"), tokenizer=TokenizerConfig(trained_on="all"))
    with pytest.raises(OctavoError, match=r"data\.held_out=documents needs data\.split_by=characters"):
        Config(
            data=DataConfig(split_by="tokens", held_out="documents"),
            tokenizer=TokenizerConfig(kind="whitespace-bpe", trained_on="all"),
        )
    with pytest.raises(OctavoError, match=r"vocab_size=256 is too small for bpe: it needs at least 257"):
        Config(tokenizer=TokenizerConfig(vocab_size=256))
    with pytest.raises(OctavoError, match=r"context_length=600 is longer than the table of 512 positions"):
        Config(data=DataConfig(context_length=600), model=ModelConfig(position="learned"))
    with pytest.raises(OctavoError, match="longer than the table"):
        Config(data=DataConfig(context_length=513), model=ModelConfig(position="sinusoidal"))
    Config(data=DataConfig(context_length=512), model=ModelConfig(position="sinusoidal"))
    Config(data=DataConfig(context_length=600))


@pytest.mark.parametrize(
    ("context_length", "model", "says"),
    [
        (2**20, {"d_head": 66}, "data.context_length=1048576 makes a position table of 69,206,016 numbers"),
        (
            128,
            {"position": "sinusoidal", "max_positions": 2**20},
            "model.max_positions=1048576 makes a position table of 134,217,728 numbers",
        ),
    ],
)
def test_a_table_of_positions_that_would_fill_the_memory_is_refused(
    context_length: int, model: dict[str, Any], says: str
) -> None:
    """It is not among the weights, so no file shows that it could be had."""
    with pytest.raises(OctavoError, match=f"{says}, where 67,108,864 are the most: lower it"):
        Config(data=DataConfig(context_length=context_length), model=ModelConfig(**model))
    others = ("learned", "none") if model.get("position") else ("none",)
    for position in others:
        ModelConfig(**model | {"position": position})


def test_the_largest_table_of_positions_is_taken() -> None:
    Config(data=DataConfig(context_length=2**20), model=ModelConfig(d_head=64))
    sinusoidal = ModelConfig(position="sinusoidal", max_positions=2**20, d_model=64)
    Config(data=DataConfig(context_length=2**20), model=sinusoidal)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.n_layer=3", r"no setting model\.n_layer: did you mean model\.n_layers\?"),
        ("optimizer.lr=1", r"no setting optimizer\.lr: choose one of optimizer\.kind, optimizer\.learning_rate, "),
        ("train.learning_rate=1", r"did you mean optimizer\.learning_rate\?"),
        ("model=3", "there is no setting model: "),
        ("model.n_layers=3.0", r"model\.n_layers takes an integer, not 3\.0"),
        ("model.n_layers=three", r"model\.n_layers takes an integer, not 'three'"),
        ("model.qk_norm=1", r"model\.qk_norm takes true or false, not 1"),
        ("model.norm=rmz", r"model\.norm cannot be 'rmz': did you mean 'rms'\?"),
        ("model.norm=batch", r"model\.norm cannot be 'batch': choose one of rms, layer, none"),
        ("optimizer.betas=0.9", r"optimizer\.betas takes 2 numbers such as \[0\.9, 0\.95\], not 0\.9"),
        ("model.dropout=nan", r"model\.dropout=nan is out of range"),
        ("train.minutes=1" + "0" * 400, r"train\.minutes takes a number"),
        ("train.minutes=1" + "0" * 5000, r"train\.minutes takes a number"),
    ],
)
def test_a_slip_in_an_override_is_answered_with_its_mend(assignment: str, message: str) -> None:
    with pytest.raises(OctavoError, match=message):
        with_overrides(load_preset("pocket"), [parse_assignment(assignment)])


def test_every_setting_can_be_overridden_with_what_it_is() -> None:
    config = load_preset("reference")
    values = as_mapping(config)
    for name in dotted_names(values):
        section, key = name.split(".")
        assert with_overrides(config, [(name, values[section][key])]) == config


def test_a_toml_text_is_named_in_its_errors() -> None:
    with pytest.raises(OctavoError, match=r"runs/x/config\.toml is not valid TOML"):
        config_from_toml("[model", "runs/x/config.toml")
    with pytest.raises(OctavoError, match=r"no setting model\.layers: did you mean model\.n_layers\?"):
        config_from_toml("[model]\nlayers = 3", "config.toml")


def test_a_budget_is_the_only_one() -> None:
    assert with_one_budget([("model.n_layers", 3)]) == [("model.n_layers", 3)]
    config = with_overrides(load_preset("pocket"), with_one_budget([("train.steps", 7)]))
    assert (config.train.steps, config.train.epochs, config.train.minutes) == (7, 0.0, 0.0)
    config = with_overrides(load_preset("reference"), with_one_budget([("train.minutes", 0.5), ("train.epochs", 0)]))
    assert (config.train.steps, config.train.epochs, config.train.minutes) == (0, 0.0, 0.5)


def test_a_file_without_a_budget_has_the_default_one() -> None:
    config = config_from_toml("[train]\nseed = 7", "mine.toml")
    assert (config.train.seed, config.train.minutes) == (7, Config().train.minutes)
    config = config_from_toml("[train]\nsteps = 7", "mine.toml")
    assert (config.train.steps, config.train.minutes) == (7, 0.0)


def test_two_budgets_or_an_empty_one_are_refused() -> None:
    with pytest.raises(OctavoError, match=r"give one budget, not train\.minutes and train\.steps"):
        with_one_budget([("train.minutes", 1.0), ("train.steps", 1)])
    for nothing in (-1.0, float("nan"), "3", True):
        with pytest.raises(OctavoError, match=r"train.minutes must be"):
            with_one_budget([("train.minutes", nothing)])


def test_the_defaults_are_the_preset_pocket() -> None:
    assert load_preset("pocket") == Config()


def test_how_a_text_is_scored() -> None:
    check_scoring("sliding", 1, 256, 32)
    for protocol, stride, window, sentence in (
        ("foo", 1, 1, "'foo' is not a protocol: choose one of sliding, disjoint"),
        ("sliding", 0, 1, "stride 0 is out of range: 1 to the context of 32 tokens"),
        ("sliding", 33, 1, "stride 33 is out of range"),
        ("disjoint", 16, 0, "a window of 0 characters is out of range"),
    ):
        with pytest.raises(OctavoError, match=sentence):
            check_scoring(protocol, stride, window, 32)
