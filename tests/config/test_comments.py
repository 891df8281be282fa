"""The comments of config.toml: every setting has one, and those named automatic or unused are."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import octavo
from octavo.config import Config, config_from_toml, load_preset, preset_names
from octavo.config.comments import commented_toml, setting_comments, unused_settings
from octavo.formats.toml_schema import as_mapping, dotted_names, with_overrides
from octavo.formats.untrusted import MAX_CONFIG_BYTES


@pytest.mark.parametrize("name", preset_names())
def test_a_config_comes_back_from_its_commented_toml(name: str) -> None:
    config = load_preset(name)
    text = commented_toml(config)
    assert config_from_toml(text, "text") == config
    assert tomllib.loads(text) == as_mapping(config)
    assert len(text) < MAX_CONFIG_BYTES / 2


def test_every_setting_has_one_line_and_its_own_comment() -> None:
    lines = [line for line in commented_toml(Config()).splitlines() if " = " in line]
    comments = [line.partition("  # ")[2] for line in lines]
    assert len(lines) == len(dotted_names(as_mapping(Config())))
    assert min(map(len, comments)) > 5
    assert len(set(comments)) == len(comments)


@pytest.mark.parametrize(
    ("name", "derived", "given", "source"),
    [
        ("data.stride", 0, 3, "data.context_length"),
        ("model.n_kv_heads", 0, 2, "model.n_heads"),
        ("model.d_head", 0, 32, "model.d_model"),
        ("train.validate_every", 0, 7, "20"),
        ("train.precision", "auto", "fp32", "bf16"),
        ("data.held_out", "auto", "end", "documents if"),
    ],
)
def test_an_automatic_value_says_what_it_follows_from(name: str, derived: Any, given: Any, source: str) -> None:
    comment = setting_comments(with_overrides(Config(), [(name, derived)]))[name]
    assert comment.startswith(f"automatic ({source}")
    comment = setting_comments(with_overrides(Config(), [(name, given)]))[name]
    assert not comment.startswith("automatic")
    assert f"{derived}: automatic ({source}" in comment


def test_a_vocabulary_of_characters_is_as_large_as_the_text_needs() -> None:
    changes = [("tokenizer.kind", "characters"), ("tokenizer.vocab_size", 0)]
    assert "automatic" in setting_comments(with_overrides(Config(), changes))["tokenizer.vocab_size"]


def test_the_settings_that_a_preset_does_not_use() -> None:
    unused = {"model.max_positions", "train.select_on", "train.steps", "train.epochs"}
    assert unused_settings(load_preset("pocket")).keys() == unused
    assert unused_settings(load_preset("reference")).keys() == {
        *(
            "data.shift",
            "data.held_out",
            "tokenizer.dropout",
            "tokenizer.dropout_until",
            "optimizer.matrix_learning_rate",
        ),
        *(
            "optimizer.momentum",
            "schedule.decay",
            "schedule.final",
            "train.select_on",
            "train.steps",
            "train.minutes",
        ),
    }


@pytest.mark.parametrize(
    ("because", "value", "unused"),
    [
        ("tokenizer.dropout", 0.0, "tokenizer.dropout_until"),
        ("tokenizer.kind", "characters", "tokenizer.dropout"),
        ("optimizer.kind", "adamw", "optimizer.momentum"),
        ("schedule.kind", "cosine", "schedule.decay"),
        ("model.position", "none", "model.position_base"),
        ("data.stride", 1, "data.shift"),
    ],
)
def test_an_unused_setting_names_the_one_because_of_which(because: str, value: Any, unused: str) -> None:
    changed = with_overrides(Config(), [(because, value)])
    assert setting_comments(changed)[unused].startswith(f"unused ({because} is {value}".removesuffix(".0"))
    assert unused not in unused_settings(Config())


def test_unused_settings_change_no_loss(play_file: Path, tmp_path: Path) -> None:
    """Two runs whose configs differ in every unused setting that can take another value learn the same."""
    base: dict[str, Any] = {
        "data.context_length": 16,
        "data.batch_size": 4,
        "data.stride": 1,
        "tokenizer.kind": "characters",
        "model.d_model": 16,
        "model.n_heads": 2,
        "model.d_ff": 16,
        "model.n_layers": 1,
        "model.norm": "none",
        "model.qk_norm": False,
        "model.position": "none",
        "optimizer.kind": "adamw",
        "optimizer.learning_rate": 1e-3,
        "schedule.kind": "constant",
        "train.precision": "fp32",
        "train.log_every": 1,
    }
    others: dict[str, Any] = {
        "data.shift": False,
        "tokenizer.dropout": 0.3,
        "tokenizer.dropout_until": 0.5,
        "model.position_base": 3.0,
        "model.max_positions": 20,
        "model.norm_order": "post",
        "model.norm_epsilon": 0.1,
        "schedule.decay": 0.1,
        "schedule.final": 0.7,
        "optimizer.matrix_learning_rate": 1.0,
        "optimizer.momentum": 0.1,
        "train.select_on": "validation",
    }
    runs = [
        octavo.train(play_file, name=name, steps=3, overrides=chosen, runs=tmp_path, progress=False, brief=True)
        for name, chosen in (("a", base), ("b", base | others))
    ]
    unused = unused_settings(runs[0].config)
    assert unused.keys() - others.keys() == {"train.epochs", "train.minutes"}
    losses = [[record["loss"] for record in run.metrics if record["event"] == "step"] for run in runs]
    assert len(losses[0]) == 3
    assert losses[0] == losses[1]
    assert "# unused (optimizer.kind is adamw): " in (tmp_path / "a" / "config.toml").read_text()
    assert octavo.load("a", runs=tmp_path).config == runs[0].config
