"""Read configs: presets that come with Octavo, TOML text, and overrides of the budget."""

from collections.abc import Sequence
from importlib import resources
from typing import Any

from octavo.config.schema import BUDGETS, Config
from octavo.errors import OctavoError, suggestion
from octavo.formats.toml_schema import from_mapping, parse_toml


def preset_names() -> list[str]:
    """Return the names of Octavo's presets, sorted."""
    folder = resources.files("octavo.config") / "presets"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """Return the TOML text of a preset, whose first line is a comment that describes it.

    Raises:
        OctavoError: there is no such preset.
    """
    if name not in preset_names():
        raise OctavoError(f"there is no preset {name!r}: {suggestion(name, preset_names())}")
    return (resources.files("octavo.config") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def load_preset(name: str) -> Config:
    """Return the config of a preset of Octavo.

    Args:
        name: one of ``octavo presets``, such as ``"pocket"``.

    Returns:
        The settings: those of the preset over the defaults.

    Raises:
        OctavoError: there is no such preset.

    Example:
        >>> octavo.load_preset("reference").optimizer.kind
        'adam'
    """
    return config_from_toml(preset_text(name), f"preset {name}")


def config_from_toml(text: str, source: str) -> Config:
    """Return a config from TOML: the settings in `text`, and defaults for the others; `source` names it in errors.

    Raises:
        OctavoError: the text is not TOML, a key is unknown, or a value is invalid.
    """
    values = parse_toml(text, source)
    train = values.get("train")
    if isinstance(train, dict) and not train.keys() & set(BUDGETS):
        values["train"] = train | {"minutes": Config().train.minutes}  # without a budget of its own
    tokenizer = values.get("tokenizer")
    if isinstance(tokenizer, dict) and tokenizer.get("kind") == "characters":
        values["tokenizer"] = {"vocab_size": 0} | tokenizer
    return from_mapping(Config, values)


def with_one_budget(overrides: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the overrides such that a budget among them replaces the one that the config has.

    Raises:
        OctavoError: two budgets are given, or one that is not a number greater than 0.
    """
    named = {name: value for name, value in overrides if name.removeprefix("train.") in BUDGETS and value != 0}
    if len(named) > 1:
        raise OctavoError(f"give one budget, not {' and '.join(named)}")
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise OctavoError(f"{name} must be a number greater than 0, not {value!r}")
    cleared = [(f"train.{name}", 0) for name in BUDGETS if named]
    return [*cleared, *overrides]
