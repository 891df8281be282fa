"""Decode JSON by type hints: a value of another type is refused, with its name, before anything is built from it.

A hint is a scalar type, ``Any``, a Literal of strings, a union, a dataclass, a list, tuple, dict or Mapping of hints,
a dict of hints by key, whose other keys may have any value, or a list of one hint, for any number of such values.
"""

import dataclasses
import json
import types
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from octavo.formats.untrusted import parse_json

T = TypeVar("T")


def parse_object(content: bytes, hints: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object in `content`, whose values have the types that `hints` give them.

    Raises:
        ValueError: it is not one, as :func:`octavo.formats.untrusted.parse_json` and :func:`check_types` say.
    """
    try:
        values = parse_json(content)
    except (json.JSONDecodeError, UnicodeDecodeError):
        values = None
    check_types(values, hints)
    parsed: dict[str, Any] = values
    return parsed


def from_json(kind: type[T], values: Any) -> T:
    """Build dataclass `kind` from the parsed object that ``dataclasses.asdict`` became in JSON.

    Keys that name a property of a dataclass are skipped: the property follows from the fields.

    Raises:
        ValueError: a field is missing, unknown or of another type.
    """
    built: T = _decode_dataclass(kind, values, "")
    return built


def check_types(values: Any, hints: dict[str, Any]) -> None:
    """Check that an object's values have the types that `hints` give them; keys may be absent or unknown.

    Raises:
        ValueError: it is not an object, or a value is of another type.
    """
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    for name in hints.keys() & values.keys():
        _decode(hints[name], values[name], name)


def _decode(hint: Any, value: Any, name: str) -> Any:
    """Return the value `name` as its hint has it: a dataclass, or a tuple in place of a list."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, value, f"{name}.")
    if isinstance(hint, dict) and isinstance(value, dict):
        return {key: _decode(hint.get(key, Any), item, f"{name}.{key}") for key, item in value.items()}
    if (isinstance(hint, list) or origin is list) and isinstance(value, list):
        return [_decode((arguments or hint)[0], item, name) for item in value]
    if origin is tuple and isinstance(value, list | tuple):
        kinds = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(kinds) == len(value):
            return tuple(_decode(kind, item, name) for kind, item in zip(kinds, value, strict=True))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _decode(arguments[1], item, name) for key, item in value.items()}
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, value, name)
    if origin is Literal and isinstance(value, str) and value in arguments:
        return value
    if isinstance(hint, type) and type(value) in ((int, float) if hint is float else (hint,)):
        return value
    raise ValueError(f"its {name} is not what it should be")


def _decode_union(hints: tuple[Any, ...], value: Any, name: str) -> Any:
    """Decode by the first hint that fits; the last one raises the error."""
    for hint in hints[:-1]:
        try:
            return _decode(hint, value, name)
        except ValueError:
            continue
    return _decode(hints[-1], value, name)


def _decode_dataclass(kind: Any, values: Any, path: str) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f"its {path[:-1]} is not what it should be" if path else "it is not a JSON object")
    hints, fields = get_type_hints(kind), {}
    names = {field.name for field in dataclasses.fields(kind)}
    for name, value in values.items():
        if name in names:
            fields[name] = _decode(hints[name], value, path + name)
        elif not isinstance(getattr(kind, name, None), property | cached_property):
            raise ValueError(f"it has {path}{name[:40]}, which is unknown")
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in fields:
            raise ValueError(f"it has no {path}{field.name}")
    return kind(**fields)
