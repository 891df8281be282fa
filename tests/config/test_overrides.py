"""What a person asked for, applied to a preset or a run's config."""

from pathlib import Path
from typing import Any

import pytest

from octavo.config import Config, TrainConfig, load_preset
from octavo.config.overrides import Request, first_difference
from octavo.errors import OctavoError
from octavo.formats.toml_schema import to_toml


def test_nothing_said_is_the_pocket_preset() -> None:
    assert Request().applied_to(None) == load_preset("pocket")


def test_nothing_said_leaves_a_config_as_it_is() -> None:
    config = Config(train=TrainConfig(steps=7, seed=3))
    assert Request().applied_to(config) == config


@pytest.mark.parametrize("budget", [{"steps": 5}, {"epochs": 0.5}, {"minutes": 0.25}])
def test_a_budget_takes_the_place_of_the_presets(budget: dict[str, Any]) -> None:
    train = Request(**budget).applied_to(None).train
    assert {name: value for name in ("steps", "epochs", "minutes") if (value := getattr(train, name))} == budget
    overrides = {f"train.{name}": value for name, value in budget.items()}
    assert Request(overrides=overrides).applied_to(None).train == train


def test_overrides_in_both_forms_and_the_seed() -> None:
    for overrides in ({"model.n_layers": 3, "data.stride": 5}, [("model.n_layers", 3), ("data.stride", 5)]):
        config = Request(overrides=overrides, seed=9).applied_to(None)
        assert (config.model.n_layers, config.data.stride, config.train.seed) == (3, 5, 9)


def test_a_vocabulary_of_characters_has_what_the_text_needs_unless_a_size_is_given(tmp_path: Path) -> None:
    def size(preset: str | None = None, base: Config | None = None, **overrides: Any) -> int:
        named = {name.replace("__", "."): value for name, value in overrides.items()}
        return Request(preset=preset, overrides=named).applied_to(base).tokenizer.vocab_size

    assert size(tokenizer__kind="characters") == size("minute", tokenizer__kind="characters") == 0
    assert size(tokenizer__kind="characters", tokenizer__vocab_size=600) == 600
    assert size(tokenizer__vocab_size=600, tokenizer__kind="characters") == 600
    assert size("minute", tokenizer__kind="whitespace-bpe") == 2048
    (tmp_path / "mine.toml").write_text('[tokenizer]\nkind = "characters"\n')
    assert size(str(tmp_path / "mine.toml")) == 0
    assert size(str(tmp_path / "mine.toml"), tokenizer__kind="bpe") == 512
    begun = Request(overrides={"tokenizer.kind": "characters", "tokenizer.vocab_size": 512}).applied_to(None)
    assert size(base=begun, tokenizer__kind="characters") == 512, "a run that goes on keeps its own"
    anew = Request(preset="pocket", overrides={"tokenizer.kind": "characters"}).applied_to(begun)
    assert first_difference(begun, anew) == ""


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    mine = Request(overrides={"model.n_layers": 5}, steps=3).applied_to(None)
    (tmp_path / "mine.toml").write_text(to_toml(mine))
    assert Request(preset=str(tmp_path / "mine.toml")).applied_to(None) == mine
    assert Request(preset="reference").applied_to(mine) == load_preset("reference")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(preset="huge"), "there is no preset 'huge'"),
        (Request(preset="missing.toml"), "missing.toml cannot be read"),
        (Request(steps=1, epochs=2.0), r"give one budget, not train\.steps and train\.epochs"),
        (Request(minutes=0.0), "minutes"),
        (Request(steps=-1), "train.steps must be .*, not -1"),
        (Request(overrides={"model.layers": 3}), "there is no setting model.layers"),
        (Request(overrides={"model": 3}), "there is no setting model"),
    ],
)
def test_what_cannot_be_is_refused(request_: Request, message: str) -> None:
    with pytest.raises(OctavoError, match=message):
        request_.applied_to(None)


def test_the_first_difference_is_named() -> None:
    config = load_preset("pocket")
    assert first_difference(config, config) == ""
    other = Request(overrides={"model.d_ff": 8}).applied_to(None)
    assert first_difference(config, other) == "model.d_ff"
