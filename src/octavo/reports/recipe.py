"""The command that trains a run again, and the conditions under which it gives the same weights."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from octavo.config import BUDGETS, Config, load_preset, preset_names
from octavo.config.fine_tuning import fine_tuning_base
from octavo.corpus.split import MIN_SPREAD
from octavo.formats.toml_schema import as_mapping
from octavo.runs import RunDirectory
from octavo.runs.parent import parent_config
from octavo.runs.provenance import text_arguments
from octavo.system.terminal import quantity

_DEFAULT = "pocket"  # of presets that are equally near
_OPTIONS = {"train.seed": "--seed", **{f"train.{budget}": f"--{budget}" for budget in BUDGETS}}


@dataclass(frozen=True)
class Recipe:
    """A command, and its conditions in sentences."""

    command: str
    notes: tuple[str, ...]


def recipe(config: Config, provenance: Mapping[str, Any], path: Path) -> Recipe:
    """Return the command that trains the run at `path` again.

    Raises:
        LookupError: the provenance lacks an entry that every run has.
        OctavoError: the run was fine-tuned, and the config of the run that it starts from is damaged.
    """
    prefix, sources, note = text_arguments(provenance["text"], path)
    encoding = provenance["text"].get("encoding", "utf-8")
    words = ["octavo", "train", *sources]
    if parent := provenance.get("parent"):
        base = fine_tuning_base(parent_config(RunDirectory(path)), again=parent["fine_tuned"])
        words += ["--from", parent["name"]]
        note += f" The run to start from must have these weights: SHA-256 {parent['weights']}."
    else:
        preset = nearest_preset(config)
        base = load_preset(preset)
        words += ["--preset", preset]  # without one, the settings follow from the text and the measured speed
    unit = provenance["text"].get("document_unit", "file")
    words += ["--encoding", encoding] if encoding != "utf-8" and sources not in ([], ["-"]) else []
    words += ["--documents", unit] if unit != "file" and sources not in ([], ["-"]) else []
    words += _options(base, config)
    if "held_out" not in provenance["text"] and provenance["text"]["documents"] >= MIN_SPREAD:
        words += ["--set", "data.held_out=end"]  # as earlier versions did with any number of documents
    return Recipe(prefix + shlex.join(words), (note, *_conditions(config, provenance)))


def nearest_preset(config: Config) -> str:
    """Return the name of the preset from which a config differs in the fewest settings."""
    return min(preset_names(), key=lambda name: (len(differing(load_preset(name), config)), name != _DEFAULT))


def differing(one: Config, other: Config) -> list[str]:
    """Return the dotted names of the settings in which two configs differ."""
    others = setting_texts(other)
    return [name for name, text in setting_texts(one).items() if text != others[name]]


def setting_texts(config: Config) -> dict[str, str]:
    """Return each setting by its dotted name, as the command line takes it: words without quotes."""
    sections = as_mapping(config).items()
    return {f"{section}.{key}": _toml(value) for section, values in sections for key, value in values.items()}


def _options(preset: Config, config: Config) -> list[str]:
    """Return the options that change the preset into the config: always the seed, and every other difference."""
    words, own = ["--seed", str(config.train.seed)], setting_texts(config)
    for name in differing(preset, config):
        value = own[name]
        if name not in _OPTIONS:
            words += ["--set", f"{name}={value}"]
        elif name != "train.seed" and float(value):  # naming one budget clears the others
            words += [_OPTIONS[name], value]
    return words


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()


def _conditions(config: Config, provenance: Mapping[str, Any]) -> list[str]:
    """Return the versions, the precision and the threads on which the weights depend."""
    last = provenance["sittings"][-1] if provenance["sittings"] else {}
    packages = last.get("packages", {})
    notes = []
    if packages:
        listed = ", ".join(f"{name} {version}" for name, version in packages.items())
        notes.append(f"The run was trained with {listed}, in {provenance['precision']['name']}.")
    if config.train.minutes:
        notes.append(
            "The budget is in minutes, so a second run takes another number of steps and gives other weights."
        )
    elif last:
        threads = quantity(last["threads"], "thread")
        notes.append(f"On the same machine with {threads} the weights are the same bit for bit.")
    return notes
