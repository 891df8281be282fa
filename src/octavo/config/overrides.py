"""What a person asked for, and the config that it comes to. Importing this takes no torch."""

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
    """What a person asked for; None is "not said"."""

    preset: str | None = None  # a name, or the path of a TOML file
    overrides: Overrides = ()
    minutes: float | None = None
    steps: int | None = None
    epochs: float | None = None
    seed: int | None = None

    def applied_to(self, config: Config | None) -> Config:
        """The config asked for; `config` is the base if no preset is named (None: pocket).

        Raises:
            OctavoError: an override or the budget cannot be, or there is no such preset.
        """
        if self.preset is not None or config is None:
            config = _load_preset(self.preset or "pocket")
        given = self.overrides.items() if isinstance(self.overrides, Mapping) else self.overrides
        pairs = [parse_assignment(pair) if isinstance(pair, str) else pair for pair in given]
        named = {name: getattr(self, name) for name in (*BUDGETS, "seed")}
        if empty := [name for name in BUDGETS if named[name] == 0]:
            raise OctavoError(f"a budget of 0 {empty[0]} is none: give more than zero")
        pairs += [(f"train.{name}", value) for name, value in named.items() if value is not None]
        kinds = {config.tokenizer.kind, kind := dict(pairs).get("tokenizer.kind", config.tokenizer.kind)}
        if len(kinds) == 2 and "characters" in kinds:  # the size that is there was meant for another kind
            size = 0 if kind == "characters" else TokenizerConfig().vocab_size
            pairs.insert(0, ("tokenizer.vocab_size", size))
        return with_overrides(config, with_one_budget(pairs))


def first_difference(one: Config, other: Config) -> str:
    """The dotted name of a setting in which two configs differ; empty if they are equal.

    A vocabulary of as many tokens as the text needs does not differ from one of a given size, which it came to.
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
        raise OctavoError(f"the preset {name} cannot be read ({reason(error)}): give a name or a TOML file") from None
