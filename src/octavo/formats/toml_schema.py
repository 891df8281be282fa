"""Convert frozen dataclasses to TOML and back, with errors that name the key, the value and the nearest valid one.

A section is a dataclass whose fields are ``int``, ``float``, ``bool``, ``str``, a ``Literal`` of strings or a tuple
of floats. A config is a dataclass whose fields are sections. This module does not know the meaning of a setting.
"""

import dataclasses
import tomllib
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from octavo.errors import OctavoError, nearest, suggestion

T = TypeVar("T")
_MAX_FLOAT = 2**1023
_MAX_SHOWN = 200  # characters of a value in a message


def setting(default: T, comment: str, *, automatic: str = "") -> T:
    """Return a field of a section, with its one-line comment.

    Args:
        default: the value where none is given.
        comment: says what the setting is.
        automatic: says what the value is derived from where it is 0 or "auto"; empty if it never is.
    """
    field: T = dataclasses.field(default=default, metadata={"comment": comment, "automatic": automatic})
    return field


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; `source` names it in the error.

    Raises:
        OctavoError: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        raise OctavoError(f"{source} is not valid TOML ({_shorten(str(error))})") from None
    except RecursionError:
        raise OctavoError(f"{source} is not valid TOML (it is nested too deep)") from None


def from_mapping(kind: type[T], values: Mapping[str, Any], path: str = "") -> T:
    """Build dataclass `kind` from nested mappings; absent keys keep their default.

    Raises:
        OctavoError: a key is unknown, or a value is of the wrong type or not one of the choices.
    """
    hints = get_type_hints(kind)
    built: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{path}.{key}" if path else key
        if key not in hints:
            raise OctavoError(unknown_key(name, [f"{path}.{h}" if path else h for h in hints]))
        if dataclasses.is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise OctavoError(f"{name} is a section, not a value: write {name}.KEY=VALUE")
            built[key] = from_mapping(hints[key], value, name)
        else:
            built[key] = _typed(hints[key], value, name)
    return kind(**built)


def with_overrides(config: T, assignments: Iterable[tuple[str, Any]]) -> T:
    """Return `config` with dotted names replaced, e.g. ``("model.n_layers", 3)``.

    Raises:
        OctavoError: as :func:`from_mapping`.
    """
    values = as_mapping(config)
    known = dotted_names(values)
    for name, value in assignments:
        if name not in known:
            raise OctavoError(unknown_key(name, known))
        section = values
        *parents, last = name.split(".")
        for parent in parents:
            section = section[parent]
        section[last] = value
    return from_mapping(type(config), values)


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``section.key=value``; the value is TOML, or a bare word taken as a string.

    Raises:
        OctavoError: there is no ``=`` or no key.
    """
    name, separator, raw = text.partition("=")
    name = name.strip()
    if not separator or not name or "\n" in raw:
        raise OctavoError(f"'{text}' is not an assignment: write it as section.key=value")
    try:
        return name, tomllib.loads(f"value = {raw}")["value"]
    except ValueError:  # as in parse_toml
        return name, raw.strip()


def as_mapping(config: Any) -> dict[str, Any]:
    """Return a dataclass as nested dictionaries of values that TOML and JSON can express."""
    return dataclasses.asdict(
        config, dict_factory=lambda pairs: {name: list(v) if isinstance(v, tuple) else v for name, v in pairs}
    )


def to_toml(config: Any) -> str:
    """Return a dataclass as TOML text that :func:`from_mapping` reads back unchanged."""
    import tomli_w  # here, as octavo doctor works without it, to report that it is missing

    return tomli_w.dumps(as_mapping(config))


def to_commented_toml(config: Any, comments: Mapping[str, str]) -> str:
    """Return the same with one line per setting, which ends in its comment; `comments` has them by dotted name."""
    import tomli_w

    lines = []
    for section, settings in as_mapping(config).items():
        lines += ["", f"[{section}]"]
        for key, value in settings.items():
            items = value if isinstance(value, list) else [value]
            written = ", ".join(tomli_w.dumps({"x": item}).removeprefix("x = ").rstrip("\n") for item in items)
            written = f"[{written}]" if isinstance(value, list) else written
            lines.append(f"{key} = {written}  # {comments[f'{section}.{key}']}")
    return "\n".join(lines[1:]) + "\n"


def dotted_names(values: Mapping[str, Any], path: str = "") -> list[str]:
    """Return the dotted names of all leaves of nested mappings."""
    names: list[str] = []
    for key, value in values.items():
        name = f"{path}.{key}" if path else key
        names += dotted_names(value, name) if isinstance(value, Mapping) else [name]
    return names


def unknown_key(name: str, known: Iterable[str]) -> str:
    """Return the message that `name` is not a setting, with the one that was probably meant."""
    known, name = list(known), _shorten(name)
    section, _, last = name.rpartition(".")
    by_last_word = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == section}
    near = next((k for k in known if k.rpartition(".")[2].casefold() == last.casefold()), "")
    if by_last_word:  # the section exists: its name must not count towards the similarity
        near = near or by_last_word.get(nearest(last, by_last_word), "")
    else:
        near = near or nearest(name, known, cutoff=0.5)
    return f"there is no setting {name}: " + (
        f"did you mean {near}?" if near else f"choose one of {', '.join(by_last_word.values() or known)}"
    )


def _typed(hint: Any, value: Any, name: str) -> Any:
    """Return `value` as its type hint has it; an integer is accepted as a float."""
    origin = get_origin(hint)
    if origin is Literal:
        choices = get_args(hint)
        if value in choices and isinstance(value, str):
            return value
        raise OctavoError(
            f"{name} cannot be {_describe(value)}: {suggestion(_describe(value).strip(chr(39)), choices)}"
        )
    if origin is tuple or isinstance(hint, types.GenericAlias):
        kinds = get_args(hint)
        if not isinstance(value, list | tuple) or len(value) != len(kinds):
            raise OctavoError(f"{name} takes {len(kinds)} numbers such as [0.9, 0.95], not {_describe(value)}")
        return tuple(_typed(kind, item, name) for kind, item in zip(kinds, value, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_FLOAT:
        return float(value)
    if type(value) is not hint:
        words = {int: "an integer", float: "a number", bool: "true or false", str: "a word"}
        raise OctavoError(f"{name} takes {words[hint]}, not {_describe(value)}")
    if isinstance(value, int) and value.bit_length() > 64:
        raise OctavoError(f"{name} is out of range: {_describe(value)} does not fit into 64 bits")
    return value


def _describe(value: Any) -> str:
    """Return a value as text for a message, shortened if it is long."""
    try:
        text = repr(value)
    except ValueError:  # a number with thousands of digits, which TOML accepts in hexadecimal
        return "a number with thousands of digits"
    return _shorten(text)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
