"""JSON that is of a type becomes a value, and what is of none is named."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from octavo.formats.json_schema import check_types, from_json, parse_object


@dataclass(frozen=True)
class Inner:
    share: float


@dataclass(frozen=True)
class Outer:
    name: str
    kind: Literal["a", "b"]
    count: int
    error: float | None
    inner: Inner
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Nested:
    """Every kind of value that holds others."""

    many: tuple[Inner, ...]
    pair: tuple[int, str]
    by_name: Mapping[str, Inner]
    maybe: Inner | None = None

    @property
    def total(self) -> float:
        """The sum over all."""
        return sum(inner.share for inner in self.many)


VALUES: dict[str, Any] = {"name": "x", "kind": "a", "count": 1, "error": None, "inner": {"share": 1}}


def test_a_dataclass_is_built_with_those_inside() -> None:
    assert from_json(Outer, VALUES) == Outer("x", "a", 1, None, Inner(1))
    assert from_json(Outer, VALUES | {"error": 0.5, "figures": {"z": 1.5}}).figures == {"z": 1.5}


def test_nested_values_come_back_from_their_json() -> None:
    for maybe in (None, Inner(0.25)):
        nested = Nested((Inner(1.0), Inner(2.0)), (3, "x"), {"a": Inner(0.5)}, maybe)
        values = json.loads(json.dumps(asdict(nested)))
        assert from_json(Nested, values) == nested
        assert from_json(Nested, values | {"total": 3.0}) == nested
        for change in (
            {"pair": [3]},
            {"many": [1]},
            {"by_name": {"a": 1}},
            {"maybe": {"share": "1"}},
            {"__class__": 1},
        ):
            with pytest.raises(ValueError, match=next(iter(change))):
                from_json(Nested, values | change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": 3}, "its name is not"),
        ({"kind": "c"}, "its kind is not"),
        ({"kind": ["a"]}, "its kind is not"),
        ({"count": 1.0}, "its count is not"),
        ({"count": True}, "its count is not"),
        ({"error": "0"}, "its error is not"),
        ({"inner": 3}, "its inner is not"),
        ({"inner": {}}, r"it has no inner\.share"),
        ({"inner": {"share": False}}, r"its inner\.share is not"),
        ({"inner": {"share": 1, "more": 2}}, r"it has inner\.more, which is unknown"),
        ({"figures": {"z": "1"}}, "its figures is not"),
        ({"figures": []}, "its figures is not"),
        ({"more": 1}, "it has more, which is unknown"),
    ],
)
def test_what_is_of_another_type_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_json(Outer, VALUES | change)


def test_what_is_missing_or_no_object_is_said() -> None:
    with pytest.raises(ValueError, match="it has no name"):
        from_json(Outer, {})
    with pytest.raises(ValueError, match="it is not a JSON object"):
        from_json(Outer, [])


TYPES: dict[str, Any] = {"text": {"name": str}, "sittings": [{"threads": int, "cores": int | None}], "ids": list[int]}


@pytest.mark.parametrize("content", [b"{}", b'{"text": {}}', b'{"sittings": [{"cores": null}], "more": 1}'])
def test_of_an_object_what_is_absent_or_unknown_may_be(content: bytes) -> None:
    assert isinstance(parse_object(content, TYPES), dict)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is not a JSON object"),
        (b"\xff", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"),
        (b'{"text": []}', "its text is not"),
        (b'{"text": {"name": null}}', r"its text\.name is not"),
        (b'{"sittings": {}}', "its sittings is not"),
        (b'{"sittings": [3]}', "its sittings is not"),
        (b'{"sittings": [{"threads": null}]}', r"its sittings\.threads is not"),
        (b'{"ids": [1, "2"]}', "its ids is not"),
        (b'{"a": 1, "a": 2}', "repeats a key"),
    ],
)
def test_of_an_object_what_is_of_another_type_may_not(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_object(content, TYPES)


def test_types_of_a_value_that_was_parsed_already() -> None:
    check_types({"ids": [1]}, TYPES)
    with pytest.raises(ValueError, match="ids"):
        check_types({"ids": 1}, TYPES)
