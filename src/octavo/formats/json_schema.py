"""JSON that is what a type says: known before anything is made of it."""

import dataclasses
import json
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from octavo.formats.untrusted import parse_json

T = TypeVar("T")


def parse_object(content: bytes, hints: dict[str, Any]) -> dict[str, Any]:
    """A JSON object whose values are of the types that `hints` have for them.

    Raises:
        ValueError: it is none, as :func:`octavo.formats.untrusted.parse_json` and :func:`check_types` say.
    """
    try:
        values = parse_json(content)
    except (json.JSONDecodeError, UnicodeDecodeError):
        values = None
    check_types(values, hints)
    parsed: dict[str, Any] = values
    return parsed


def from_json(kind: type[T], values: Any) -> T:
    """Build dataclass `kind` from a parsed object, whose values are scalars and objects as its fields are.

    Raises:
        ValueError: a field is missing, unknown or of another type.
    """
    _check_dataclass(kind, values, "")
    hints = get_type_hints(kind)
    return kind(
        **{
            name: from_json(hints[name], value) if dataclasses.is_dataclass(hints[name]) else value
            for name, value in values.items()
        }
    )


def check_types(values: Any, hints: dict[str, Any]) -> None:
    """See that an object's values are of the types that `hints` have for them; what is absent or unknown may be.

    A type is a scalar, a Literal, one of several, a list or dict of one, a dataclass, a dict of hints such as this,
    or a list of one such dict, for any number of them.

    Raises:
        ValueError: it is no object, or a value is of another type.
    """
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    for name, hint in hints.items():
        if name in values:
            _check(hint, values[name], name)


def _check(hint: Any, value: Any, name: str) -> None:
    """Raises ValueError unless the value `name` is of a type."""
    if isinstance(hint, dict) and isinstance(value, dict):
        for key in hint.keys() & value.keys():
            _check(hint[key], value[key], f"{name}.{key}")
    elif isinstance(hint, list) and isinstance(value, list):
        for item in value:
            _check(hint[0], item, name)
    elif dataclasses.is_dataclass(hint):
        _check_dataclass(hint, value, f"{name}.")
    elif get_origin(hint) is list and isinstance(value, list):
        for item in value:
            _check(get_args(hint)[0], item, name)
    elif get_origin(hint) is dict and isinstance(value, dict):
        for item in value.values():
            _check(get_args(hint)[1], item, name)
    elif not _is_one(hint, value):
        raise ValueError(f"its {name} is not what it should be")


def _check_dataclass(kind: Any, values: Any, path: str) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"its {path[:-1]} is not what it should be" if path else "it is not a JSON object")
    hints = get_type_hints(kind)
    if unknown := next((name for name in values if name not in hints), None):
        raise ValueError(f"it has {path}{unknown[:40]}, which is unknown")
    for field in dataclasses.fields(kind):
        if field.name in values:
            _check(hints[field.name], values[field.name], path + field.name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"it has no {path}{field.name}")


def _is_one(hint: Any, value: Any) -> bool:
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return any(_is_one(one, value) for one in get_args(hint))
    return type(value) in ((int, float) if hint is float else (hint,))
