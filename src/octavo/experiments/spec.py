"""The specification of an experiment: variants, seeds and text, all checked before anything runs.

:func:`read_spec` turns a TOML file or a mapping into a :class:`Spec`, in which every variant is a complete config.
Importing this loads no torch.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from octavo.config import BUDGETS, MAX_SIZE, Config, ModelConfig, check_range
from octavo.config.overrides import Request
from octavo.corpus.document import PER_FILE
from octavo.corpus.segmentation import parse_document_unit
from octavo.errors import OctavoError, reason, suggestion
from octavo.formats.files import user_path
from octavo.formats.toml_schema import as_mapping, parse_toml, unknown_key, with_overrides
from octavo.runs import check_name
from octavo.system.terminal import quantity

_KEYS = (
    "title",
    "preset",
    "text",
    "encoding",
    "documents",
    "seeds",
    *BUDGETS,
    "base",
    "overrides",
    "variants",
    "score",
)
_VARIANT_KEYS = ("preset", *BUDGETS)
_SET_ELSEWHERE = {"train.seed": "seeds = [1, 2, 3]"} | {f"train.{name}": f"{name} = …" for name in BUDGETS}
_MAX_NAME_LENGTH = 60  # of a variant, which is part of the names of its runs
# Defaults of a cell, which is one of many: the fewest checkpoints, and no samples during training.
_CELL_DEFAULTS = {"train.keep_checkpoints": 1, "train.checkpoint_every": 500, "train.sample_every": 0}

Overrides = Mapping[str, Any]


def supports_context(model: ModelConfig, context_length: int) -> bool:
    """Return whether a model has enough positions; only absolute positions are limited."""
    return model.position not in ("sinusoidal", "learned") or context_length <= model.max_positions


@dataclass(frozen=True)
class Variant:
    """A named config, the seed of which is not used."""

    name: str
    config: Config

    def with_seed(self, seed: int) -> Config:
        """Return the config with a seed."""
        return replace(self.config, train=replace(self.config.train, seed=seed))


@dataclass(frozen=True)
class Spec:
    """An experiment: every variant with every seed."""

    title: str
    text: tuple[str, ...]  # absolute paths; none: Tiny Shakespeare
    encoding: str
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    base: str  # the variant that the others are compared with
    contexts: tuple[int, ...]  # further window lengths to score with
    documents: str = PER_FILE  # the unit of a document

    def cells(self) -> Iterator[tuple[Variant, int]]:
        """Iterate over all variants of the first seed, then of the next, so that variants are comparable early."""
        return ((variant, seed) for seed in self.seeds for variant in self.variants)

    @property
    def size(self) -> str:
        """Return the number of runs, as text."""
        variants, seeds = len(self.variants), len(self.seeds)
        product = f"{quantity(variants, 'variant')} × {quantity(seeds, 'seed')}"
        return f"{product} = {quantity(variants * seeds, 'run')}"

    def with_precision(self, name: str) -> "Spec":
        """Return a copy in which ``train.precision=auto`` is replaced by `name`."""
        return replace(
            self,
            variants=tuple(
                replace(variant, config=with_overrides(variant.config, [("train.precision", name)]))
                if variant.config.train.precision == "auto"
                else variant
                for variant in self.variants
            ),
        )

    @property
    def has_auto_precision(self) -> bool:
        """Return whether the precision of a variant depends on a probe."""
        return any(variant.config.train.precision == "auto" for variant in self.variants)


def read_spec(file: str | Path | Mapping[str, Any], *, steps: int | None = None) -> Spec:
    """Read an experiment from a TOML file, or from a mapping with the same keys.

    Args:
        file: a path, or the mapping. Paths in a file are relative to its folder.
        steps: training steps of every variant, instead of the budgets in the file.

    Raises:
        OctavoError: the file cannot be read, a key is unknown, or a variant, which is named, is invalid.
    """
    if isinstance(file, Mapping):
        return _spec(file, Path(), "", steps)
    path = user_path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OctavoError(f"the experiment {path} cannot be read ({reason(error)}): give a TOML file") from None
    first = text.split("\n", 1)[0].strip()
    return _spec(parse_toml(text, str(path)), path.parent, first.lstrip("# ") if first.startswith("#") else "", steps)


def _spec(values: Mapping[str, Any], folder: Path, title: str, steps: int | None) -> Spec:
    _check_keys(values, _KEYS, "")
    sections = {name: _section(values.get(name, {}), name) for name in ("overrides", "variants", "score")}
    _check_keys(sections["score"], ("contexts",), "score.")
    if not sections["variants"]:
        raise OctavoError("an experiment needs a variant: write [variants.NAME] and below it its settings")
    common = _flatten(sections["overrides"])
    _check_overrides(common, "[overrides]")
    seeds = _integers(values.get("seeds"), "seeds", "[1, 2, 3, 4, 5]")
    variants = tuple(
        _variant(name, _section(changes, f"variants.{name}"), values, common, folder, steps, seeds)
        for name, changes in sections["variants"].items()
    )
    names = [variant.name for variant in variants]
    if len({name.casefold() for name in names}) < len(names):
        raise OctavoError(
            "two variants have names that differ only in case, which some file systems ignore: rename one"
        )
    documents = values.get("documents", PER_FILE)
    parse_document_unit(documents)
    base = values.get("base", names[0])
    if base not in names:
        raise OctavoError(f"base is {base!r}, which is not a variant: {suggestion(str(base), names)}")
    return Spec(
        title=_string(values.get("title", title), "title"),
        text=_paths(values.get("text", []), folder),
        encoding=_string(values.get("encoding", "utf-8"), "encoding"),
        seeds=seeds,
        variants=variants,
        base=base,
        contexts=_contexts(sections["score"], variants),
        documents=documents,
    )


def _variant(
    name: str,
    changes: Mapping[str, Any],
    values: Mapping[str, Any],
    common: Overrides,
    folder: Path,
    steps: int | None,
    seeds: Sequence[int],
) -> Variant:
    """Return a variant: the defaults of cells, then the settings of all variants, then its own."""
    if not _is_variant_name(name):
        raise OctavoError(
            f"{name!r} cannot be the name of a variant: use at most {_MAX_NAME_LENGTH} ASCII letters, digits, '-', "
            "'_', '+' and '.', the first of them a letter or digit"
        )
    own = {key: value for key, value in changes.items() if key in _VARIANT_KEYS}
    overrides = _flatten({key: value for key, value in changes.items() if key not in _VARIANT_KEYS})
    try:
        _check_overrides(overrides, "", also=_VARIANT_KEYS)
        source = own if own.keys() & set(BUDGETS) else values
        budget = {key: source[key] for key in BUDGETS if key in source} if steps is None else {"steps": steps}
        preset = _preset(own.get("preset", values.get("preset")), folder)
        config = Config()
        for seed in seeds:
            config = Request(preset, {**_CELL_DEFAULTS, **common, **overrides}, seed=seed, **budget).applied_to(None)
    except OctavoError as error:
        raise OctavoError(f"variant {name}: {error}") from None
    return Variant(name, config)


def _is_variant_name(name: str) -> bool:
    try:
        check_name(name)
    except OctavoError:
        return False
    return name.isascii() and len(name) <= _MAX_NAME_LENGTH


def _check_overrides(overrides: Overrides, where: str, also: Sequence[str] = ()) -> None:
    known = settings_by_name(Config())
    prefix = f"{where}: " if where else ""
    for name in overrides:
        if name not in known:
            raise OctavoError(prefix + unknown_key(name, [*known, *also]))
        if name in _SET_ELSEWHERE:
            raise OctavoError(f"{prefix}{name} is not set as a setting: write {_SET_ELSEWHERE[name]} instead")


def _contexts(score: Mapping[str, Any], variants: Sequence[Variant]) -> tuple[int, ...]:
    if "contexts" not in score:
        return ()
    contexts = _integers(score["contexts"], "score.contexts", "[128, 256]")
    for context in contexts:
        check_range("score.contexts", context, 2, MAX_SIZE)
        if not any(supports_context(variant.config.model, context) for variant in variants):
            raise OctavoError(
                f"score.contexts has {context}, for which no variant has enough positions: raise model.max_positions"
            )
    return tuple(sorted(contexts))


def _preset(name: Any, folder: Path) -> str | None:
    if name is None:
        return None
    name = _string(name, "preset")
    return str((folder / user_path(name)).resolve()) if name.endswith(".toml") else name


def _paths(given: Any, folder: Path) -> tuple[str, ...]:
    paths = [given] if isinstance(given, str | Path) else given
    if not isinstance(paths, list | tuple) or not all(isinstance(p, str | Path) and str(p) for p in paths):
        raise OctavoError(f"text takes a path or a list of paths, not {given!r}")
    if any(str(path) == "-" for path in paths):
        raise OctavoError("text cannot be standard input, which only one run can read: name a file")
    return tuple(str(_located(path, folder).resolve()) for path in paths)


def _located(path: str | Path, folder: Path) -> Path:
    """Return a path relative to the folder; "~" is the home directory, unless the folder has such a file."""
    there = folder / path
    return there if os.path.lexists(there) else folder / user_path(path)


def _integers(value: Any, name: str, example: str) -> tuple[int, ...]:
    valid = isinstance(value, list | tuple) and value and all(type(number) is int for number in value)
    if not valid or len(set(value)) < len(value):
        given = "" if value is None else f", not {value!r}"
        raise OctavoError(f"{name} takes distinct integers such as {example}{given}")
    return tuple(value)


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise OctavoError(f"{name} takes a string, not {value!r}")
    return value


def _section(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OctavoError(f"{name} is a section, not a value: write [{name}] and below it KEY = VALUE")
    return value


def _check_keys(values: Mapping[str, Any], known: Sequence[str], path: str) -> None:
    for key in values:
        if key not in known:
            raise OctavoError(unknown_key(f"{path}{key}", [f"{path}{k}" for k in known]))


def settings_by_name(config: Config) -> dict[str, Any]:
    """Return all settings of a config by dotted name, as values that TOML can express."""
    return _flatten(as_mapping(config))


def _flatten(values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return settings by dotted name, whether they are written as ``"train.steps" = 1`` or in sections."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        flat |= _flatten(value, name) if isinstance(value, Mapping) else {name: value}
    return flat
