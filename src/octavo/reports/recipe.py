"""How to train a run again: the command, and what must be alike beside it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from octavo.config import BUDGETS, Config, load_preset, preset_names
from octavo.formats.toml_schema import as_mapping, dotted_names
from octavo.system.terminal import path_text, quantity

TINY_SHAKESPEARE = "b20eb1dc66ddb45eb245b57c9e4aeda4707095cdc78ddcbe7519b25b912c16a3"  # SHA-256 of the corpus
_USUAL = "pocket"  # the preset that `octavo train` takes if none is named
_OPTIONS = {"train.seed": "--seed", **{f"train.{budget}": f"--{budget}" for budget in BUDGETS}}


@dataclass(frozen=True)
class Recipe:
    """A command, and sentences on what it rests on."""

    command: str
    notes: tuple[str, ...]


def recipe(config: Config, provenance: Mapping[str, Any], path: Path) -> Recipe:
    """What trains the run at `path` again, of this config and provenance.

    Raises:
        LookupError: the provenance lacks what every run's has.
    """
    before, sources, told = _text(provenance["text"], path)
    encoding = provenance["text"].get("encoding", "utf-8")
    preset = nearest_preset(config)
    words = ["octavo", "train", *sources]
    words += ["--preset", preset] if preset != _USUAL else []
    unit = provenance["text"].get("document_unit", "file")
    words += ["--encoding", encoding] if encoding != "utf-8" and sources not in ([], ["-"]) else []
    words += ["--documents", unit] if unit != "file" and sources not in ([], ["-"]) else []
    words += _options(load_preset(preset), config)
    return Recipe(before + shlex.join(words), (told, *_alike(config, provenance)))


def nearest_preset(config: Config) -> str:
    """The name of the preset from which a config differs in the fewest settings."""
    return min(preset_names(), key=lambda name: (len(differing(load_preset(name), config)), name != _USUAL))


def differing(one: Config, other: Config) -> list[str]:
    """The dotted names of the settings in which two configs differ."""
    return [name for name in dotted_names(as_mapping(one)) if setting(one, name) != setting(other, name)]


def setting(config: Config, name: str) -> str:
    """A setting as the command line takes it: words without their quotes."""
    section, key = name.split(".")
    return _toml(as_mapping(config)[section][key])


def _options(preset: Config, config: Config) -> list[str]:
    """What makes the config of the preset: always the seed, and whatever else differs."""
    words = ["--seed", str(config.train.seed)]
    for name in differing(preset, config):
        value = setting(config, name)
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


def _text(text: Mapping[str, Any], path: Path) -> tuple[str, list[str], str]:
    """What goes before the command, what names the text in it, and what the text is."""
    if text["sha256"] == TINY_SHAKESPEARE:
        return "", [], "The text is Tiny Shakespeare, which Octavo has with it."
    what = f"{quantity(text['characters'], 'character')}, SHA-256 {text['sha256']}"
    names = text.get("sources")
    if names is None:  # an earlier version, which noted the first documents alone
        names = text["first_documents"] if text["documents"] == len(text["first_documents"]) else []
    complete = names and len(names) == text.get("source_count", len(names))
    if complete and "-" not in names and names != ["stdin"]:
        given = [f"./{name}" if name.startswith("-") else name for name in names]
        return "", given, f"The text must be the same: {what}."
    if text["documents"] == 1:
        parts = [path / "data" / f"{part}.txt" for part in ("train", "validation", "test")]
        there = [path_text(part) for part in parts if part.exists()]
        return f"{shlex.join(['cat', *there])} | ", ["-"], f"The text came from no file; the run keeps it ({what})."
    return (
        "",
        ["-"],
        (
            f"The text was {text['documents']:,} documents that no command names ({what}): in Python, octavo.train "
            "takes them as a corpus, with the settings of this command."
        ),
    )


def _alike(config: Config, provenance: Mapping[str, Any]) -> list[str]:
    """What else has to be alike, and what cannot be."""
    last = provenance["sittings"][-1] if provenance["sittings"] else {}
    packages = last.get("packages", {})
    notes = []
    if packages:
        listed = ", ".join(f"{name} {version}" for name, version in packages.items())
        notes.append(f"It was trained with {listed}, in {provenance['precision']['name']}.")
    if config.train.minutes:
        notes.append("Its budget is minutes, which follow the clock: a second run differs a little.")
    elif last:
        threads = quantity(last["threads"], "thread")
        notes.append(f"On the same machine with {threads} the weights are the same, bit for bit.")
    return notes
