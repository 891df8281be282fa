"""The command that trains a run again, and the conditions under which it gives the same weights."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from octavo.config import BUDGETS, Config, load_preset, preset_names
from octavo.corpus.split import MIN_SPREAD
from octavo.formats.toml_schema import as_mapping
from octavo.system.terminal import path_text, quantity

TINY_SHAKESPEARE = "b20eb1dc66ddb45eb245b57c9e4aeda4707095cdc78ddcbe7519b25b912c16a3"  # SHA-256 of the corpus
_DEFAULT = "pocket"  # the preset of `octavo train` without --preset
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
    """
    prefix, sources, note = _text(provenance["text"], path)
    encoding = provenance["text"].get("encoding", "utf-8")
    preset = nearest_preset(config)
    words = ["octavo", "train", *sources]
    words += ["--preset", preset] if preset != _DEFAULT else []
    unit = provenance["text"].get("document_unit", "file")
    words += ["--encoding", encoding] if encoding != "utf-8" and sources not in ([], ["-"]) else []
    words += ["--documents", unit] if unit != "file" and sources not in ([], ["-"]) else []
    words += _options(load_preset(preset), config)
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


def _text(text: Mapping[str, Any], path: Path) -> tuple[str, list[str], str]:
    """Return a prefix of the command, the arguments that name the text, and a sentence about the text."""
    if text["sha256"] == TINY_SHAKESPEARE:
        return "", [], "The text is Tiny Shakespeare, which Octavo contains."
    identity = f"{quantity(text['characters'], 'character')}, SHA-256 {text['sha256']}"
    names = text.get("sources")
    if names is None:  # an earlier version, which saved the names of the first documents alone
        names = text["first_documents"] if text["documents"] == len(text["first_documents"]) else []
    complete = names and len(names) == text.get("source_count", len(names))
    if complete and "-" not in names and names != ["stdin"]:
        paths = [f"./{name}" if name.startswith("-") else name for name in names]
        return "", paths, f"The text must be the same: {identity}."
    if text["documents"] == 1:
        files = [path / "data" / f"{split}.txt" for split in ("train", "validation", "test")]
        existing = [path_text(file) for file in files if file.exists()]
        return (
            f"{shlex.join(['cat', *existing])} | ",
            ["-"],
            f"The text came from no file; the run has it ({identity}).",
        )
    return (
        "",
        ["-"],
        (
            f"No command can name the {text['documents']:,} documents of the text ({identity}): pass them to "
            "octavo.train as a corpus, with the settings of this command."
        ),
    )


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
