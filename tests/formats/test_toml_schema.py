"""Dataclasses come back from TOML as they were, and every slip is answered with its fix."""

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.formats.toml_schema import (
    as_mapping,
    dotted_names,
    from_mapping,
    parse_assignment,
    parse_toml,
    to_toml,
    unknown_key,
    with_overrides,
)
from octavo.formats.untrusted import MAX_CONFIG_BYTES


@dataclass(frozen=True)
class Oven:
    degrees: float = 180.0
    minutes: int = 30
    fan: bool = True
    rack: Literal["upper", "middle", "lower"] = "middle"
    note: str = ""
    limits: tuple[float, float] = (50.0, 250.0)


@dataclass(frozen=True)
class Kitchen:
    oven: Oven = field(default_factory=Oven)
    grill: Oven = field(default_factory=lambda: Oven(degrees=250.0))


OVENS = st.builds(
    Oven,
    degrees=st.floats(allow_nan=False),
    minutes=st.integers(-(2**62), 2**62),
    fan=st.booleans(),
    rack=st.sampled_from(["upper", "middle", "lower"]),
    note=st.text(),
    limits=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.builds(Kitchen, OVENS, OVENS))
def test_a_config_comes_back_from_its_toml(kitchen: Kitchen) -> None:
    assert from_mapping(Kitchen, parse_toml(to_toml(kitchen), "text")) == kitchen


def test_what_is_absent_keeps_its_default() -> None:
    assert from_mapping(Kitchen, {}) == Kitchen()
    assert from_mapping(Kitchen, {"grill": {"minutes": 5}}) == Kitchen(grill=Oven(minutes=5))


def test_a_whole_number_will_do_where_a_number_is_asked_for() -> None:
    oven = from_mapping(Oven, {"degrees": 200, "limits": [1, 2.5]})
    assert oven == Oven(degrees=200.0, limits=(1.0, 2.5))
    assert type(oven.degrees) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"degrees": "hot"}, "oven.degrees takes a number, not 'hot'"),
        ({"degrees": True}, "oven.degrees takes a number, not True"),
        ({"degrees": 10**400}, "oven.degrees takes a number, not 1000"),
        ({"minutes": 1.0}, "oven.minutes takes an integer, not 1.0"),
        ({"minutes": True}, "oven.minutes takes an integer, not True"),
        ({"minutes": None}, "oven.minutes takes an integer, not None"),
        ({"fan": 1}, "oven.fan takes true or false, not 1"),
        ({"note": 3}, "oven.note takes a word, not 3"),
        ({"rack": "midle"}, "oven.rack cannot be 'midle': did you mean 'middle'?"),
        ({"rack": 7}, "oven.rack cannot be 7: choose one of upper, middle, lower"),
        ({"rack": ["upper"]}, "oven.rack cannot be ['upper']: did you mean 'upper'?"),
        ({"limits": 3.0}, "oven.limits takes 2 numbers such as [0.9, 0.95], not 3.0"),
        ({"limits": [1.0]}, "oven.limits takes 2 numbers such as [0.9, 0.95], not [1.0]"),
        ({"limits": [1.0, 2.0, 3.0]}, "oven.limits takes 2 numbers such as [0.9, 0.95], not [1.0, 2.0, 3.0]"),
        ({"limits": [1.0, "b"]}, "oven.limits takes a number, not 'b'"),
        ({"limits": "ab"}, "oven.limits takes 2 numbers such as [0.9, 0.95], not 'ab'"),
        ({"minuets": 3}, "there is no setting oven.minuets: did you mean oven.minutes?"),
        ({"zzz": 3}, "there is no setting oven.zzz: choose one of oven.degrees, oven.minutes, "),
    ],
    ids=str,
)
def test_a_slip_is_named_with_its_mend(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OctavoError) as raised:
        from_mapping(Kitchen, {"oven": values})
    assert str(raised.value).startswith(message)


def test_a_section_is_no_value() -> None:
    with pytest.raises(OctavoError, match=r"oven is a section, not a value: write oven\.KEY=VALUE"):
        from_mapping(Kitchen, {"oven": 3})
    with pytest.raises(OctavoError, match="no setting ovn: did you mean oven"):
        from_mapping(Kitchen, {"ovn": {}})


@pytest.mark.parametrize("text", ["=", "a = ", "[a\n", "a = 1\na = 2", "a = 1" + "0" * 5000])
def test_what_is_not_toml_is_refused(text: str) -> None:
    with pytest.raises(OctavoError, match=r"kitchen\.toml is not valid TOML \(.*\)"):
        parse_toml(text, "kitchen.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=3", ("a.b", 3)),
        (" a.b = 3 ", ("a.b", 3)),
        ("a.b=3.5", ("a.b", 3.5)),
        ("a.b=3e-4", ("a.b", 3e-4)),
        ("a.b=true", ("a.b", True)),
        ("a.b=[0.9, 0.98]", ("a.b", [0.9, 0.98])),
        ("a.b=word", ("a.b", "word")),
        ("a.b= bpe ", ("a.b", "bpe")),
        ('a.b="a word"', ("a.b", "a word")),
        ("a.b='true'", ("a.b", "true")),
        ("a.b=x=y", ("a.b", "x=y")),
        ("a.b=", ("a.b", "")),
        ("a.b=True", ("a.b", "True")),
        ("a.b=1" + "0" * 5000, ("a.b", "1" + "0" * 5000)),
    ],
)
def test_an_assignment_is_a_name_and_a_value(text: str, expected: tuple[str, Any]) -> None:
    name, value = parse_assignment(text)
    assert (name, value) == expected
    assert type(value) is type(expected[1])


@pytest.mark.parametrize("text", ["", "a.b", "=3", "  =3", "a.b=1\nc = 2"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(OctavoError, match=r"is not an assignment: write it as section\.key=value"):
        parse_assignment(text)


def test_overriding_replaces_and_leaves_the_rest() -> None:
    kitchen = Kitchen(oven=Oven(minutes=7))
    changed = with_overrides(kitchen, [("oven.degrees", 100), ("grill.fan", False), ("oven.degrees", 120)])
    assert changed == Kitchen(oven=Oven(degrees=120.0, minutes=7), grill=Oven(degrees=250.0, fan=False))
    assert kitchen == Kitchen(oven=Oven(minutes=7))
    assert with_overrides(kitchen, []) == kitchen


@pytest.mark.parametrize("name", ["oven", "oven.", "degrees.oven", "", "oven.degrees.more", "pan.degrees"])
def test_overriding_what_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(OctavoError, match=f"there is no setting {name}: (did you mean|choose one of) "):
        with_overrides(Kitchen(), [(name, 3)])


def test_names_and_mappings() -> None:
    values = as_mapping(Kitchen())
    assert values["oven"]["limits"] == [50.0, 250.0]
    assert dotted_names(values)[:3] == ["oven.degrees", "oven.minutes", "oven.fan"]
    assert len(dotted_names(values)) == 12


KNOWN = ["model.n_layers", "model.norm", "optimizer.kind", "optimizer.learning_rate", "optimizer.clip_norm"]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("model.n_layer", "did you mean model.n_layers?"),
        ("model.layers", "did you mean model.n_layers?"),
        ("modle.n_layers", "did you mean model.n_layers?"),
        ("modle.n_layer", "did you mean model.n_layers?"),
        ("n_layers", "did you mean model.n_layers?"),
        ("train.learning_rate", "did you mean optimizer.learning_rate?"),
        ("optimizer.lr", "choose one of optimizer.kind, optimizer.learning_rate, optimizer.clip_norm"),
        ("zzz", "choose one of model.n_layers, model.norm, optimizer.kind, optimizer.learning_rate, "),
    ],
)
def test_an_unknown_name_is_answered_with_its_neighbour(name: str, fix: str) -> None:
    assert unknown_key(name, KNOWN).startswith(f"there is no setting {name}: {fix}")


@pytest.mark.parametrize(
    "text",
    [f"{'a' * 15_000} = 1", f'oven."{"a." * 7000}" = 1', f"a = 1\n{'a.' * 7000}a = 1", f"x = {{{'a' * 9000}=1,"],
)
def test_a_name_of_any_length_is_one_sentence(text: str) -> None:
    with pytest.raises(OctavoError) as refused:
        from_mapping(Kitchen, parse_toml(text, "a file"))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("digits", ["0x" + "f" * 9000, "[0x" + "f" * 9000 + "]"])
@pytest.mark.parametrize("name", [one.name for one in dataclasses.fields(Oven)])
def test_a_number_of_any_length_is_one_sentence(name: str, digits: str) -> None:
    with pytest.raises(OctavoError) as refused:
        from_mapping(Oven, parse_toml(f"{name} = {digits}", "a file"))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("digits", ["0b" + "1" * 65, "-0b" + "1" * 65, "9" * 300])
def test_a_whole_number_fits_into_64_bits(digits: str) -> None:
    with pytest.raises(OctavoError, match=r"minutes is out of range: .* does not fit into 64 bits"):
        from_mapping(Oven, {"minutes": int(digits, 0)})


@pytest.mark.parametrize(
    "line", ["a." * 8000 + "b = 1", "[" + "a." * 8000 + "b]", "a.b.c.d.e.f.g = {h.i.j.k = 1}\n" * 500]
)
def test_settings_of_the_most_bytes_there_may_be_are_read_at_once(line: str) -> None:
    """The library's time grows as the square of how deep a name goes."""
    text = line[:MAX_CONFIG_BYTES]
    began = time.process_time()
    with pytest.raises(OctavoError):
        from_mapping(Kitchen, parse_toml(text, "a file"))
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "{a = " * 5000])
def test_what_nests_too_deep_is_one_sentence(text: str) -> None:
    with pytest.raises(OctavoError, match=r"a file is not valid TOML \(it is nested too deep\)"):
        parse_toml(text, "a file")
