"""The settings that the user asks for, and the config that results. Importing this module does not import torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from octavo.config.loading import config_from_toml, load_preset, with_one_budget
from octavo.config.schema import BUDGETS, Config, TokenizerConfig
from octavo.errors import OctavoError, reason
from octavo.formats.files import user_path
from octavo.formats.toml_schema import as_mapping, dotted_names, parse_assignment, with_overrides

Overrides = Mapping[str, Any] | Sequence[tuple[str, Any] | str]


@dataclass(frozen=True)
class Request:
    """The settings that the user asks for; None means not given."""

    preset: str | None = None  # a name, or the path of a TOML file
    overrides: Overrides = ()
    minutes: float | None = None
    steps: int | None = None
    epochs: float | None = None
    seed: int | None = None

    @property
    def has_budget(self) -> bool:
        """Return whether a budget is given, as an argument or as a setting."""
        settings = dict(self._pairs)
        return any(getattr(self, name) is not None or settings.get(f"train.{name}") for name in BUDGETS)

    @property
    def _pairs(self) -> list[tuple[str, Any]]:
        given = self.overrides.items() if isinstance(self.overrides, Mapping) else self.overrides
        return [parse_assignment(pair) if isinstance(pair, str) else pair for pair in given]

    def applied_to(self, config: Config | None) -> Config:
        """Return the config that results; `config` is the base if no preset is named (None: pocket).

        Raises:
            OctavoError: an override or the budget is invalid, or the preset does not exist.
        """
        if self.preset is not None or config is None:
            config = _load_preset(self.preset or "pocket")
        pairs = self._pairs
        named = {name: getattr(self, name) for name in (*BUDGETS, "seed")}
        if empty := [name for name in BUDGETS if named[name] == 0]:
            raise OctavoError(f"train.{empty[0]} is a budget of 0: it must be greater than 0")
        pairs += [(f"train.{name}", value) for name, value in named.items() if value is not None]
        kinds = {config.tokenizer.kind, kind := dict(pairs).get("tokenizer.kind", config.tokenizer.kind)}
        if len(kinds) == 2 and "characters" in kinds:  # the base's size is that of another kind
            size = 0 if kind == "characters" else TokenizerConfig().vocab_size
            pairs.insert(0, ("tokenizer.vocab_size", size))
        return with_overrides(config, with_one_budget(pairs))

    @property
    def names(self) -> list[str]:
        """Return the dotted names of the settings that are given, besides budget and seed.

        Raises:
            OctavoError: an override is no assignment.
        """
        return [name for name, _ in self._pairs]


def first_difference(one: Config, other: Config) -> str:
    """Return the dotted name of a setting in which two configs differ; empty if they are equal.

    A vocabulary whose size follows from the text (0) counts as equal to one of any given size.
    """
    a, b = as_mapping(one), as_mapping(other)
    for name in dotted_names(a):
        section, key = name.split(".")
        values = (a[section][key], b[section][key])
        if values[0] != values[1] and not (name == "tokenizer.vocab_size" and 0 in values):
            return name
    return ""


def _load_preset(name: str) -> Config:
    path = user_path(name)
    if path.suffix != ".toml":
        return load_preset(name)
    try:
        return config_from_toml(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise OctavoError(
            f"the preset {name} cannot be read ({reason(error)}): give the name of a preset or a TOML file"
        ) from None
