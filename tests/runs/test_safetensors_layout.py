"""The header of a safetensors file is known to be right before a number of it is taken."""

import json
import struct
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from octavo.config import ModelConfig
from octavo.config.shapes import model_shapes
from octavo.errors import OctavoError
from octavo.runs.safetensors_layout import check_finite_tensors, check_shapes, max_abs, read_layout

ARRAYS: dict[str, Any] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.zeros((), np.int64),
    "none": np.zeros((0, 3)),
}


def written(header: Any, numbers: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + numbers


def facts(begin: int, end: int, shape: Any = (1,), kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_the_layout_is_what_the_library_reads() -> None:
    content = save(ARRAYS)
    layout = read_layout(content, "x")
    assert {name: place.shape for name, place in layout.items()} == {name: a.shape for name, a in ARRAYS.items()}
    a = layout["a"]
    assert content[a.begin : a.end] == ARRAYS["a"].tobytes()
    assert max_abs(content, {"a": a}) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 3) + b"{}",
        written(b"[" * 100_000),
        written([]),
        written({"a": []}),
        written({"a": {}}),
        written({"a": 3}),
        written({"a": None}),
        written(3),
        written({"a": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": 4}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [None], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": facts(0, 4, kind="XX")}, b"1234"),
        written({"a": facts(0, 4, kind="F64")}, b"1234"),
        written({"a": facts(0, 4, shape=[2**62, 4])}, b"1234"),
        written({"a": facts(0, 4, shape=[-1, -1])}, b"1234"),
        written({"a": facts(0, 4, shape=[1.0])}, b"1234"),
        written({"a": facts(0, 4, shape=[True])}, b"1234"),
        written({"a": facts(0, 4, shape=[1] * 100_000)}, b"1234"),
        written({"a": facts(4, 8)}, b"12345678"),
        written({"a": facts(0, 4), "b": facts(0, 4)}, b"1234"),
        written({"a": facts(0, 4)}, b"12345"),
        written({"a": facts(0, 8, shape=[2])}, b"1234"),
        written(b'{"a": %b, "a": %b}' % ((json.dumps(facts(0, 4)).encode(),) * 2), b"1234"),
    ],
)
def test_what_is_not_safetensors_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="x is not safetensors"):
        read_layout(content, "x")


@given(at=st.integers(0, 400), bit=st.integers(0, 7), cut=st.integers(0, 400) | st.none())
def test_whatever_becomes_of_a_file_what_is_read_is_what_the_library_reads(
    at: int, bit: int, cut: int | None
) -> None:
    content = bytearray(save(ARRAYS))
    content[at % len(content)] ^= 1 << bit
    changed = bytes(content[:cut])
    try:
        layout = read_layout(changed, "x")
    except ValueError:
        return
    try:
        loaded = load(changed)
    except SafetensorError:  # it may be stricter
        return
    assert {name: place.shape for name, place in layout.items()} == {n: array.shape for n, array in loaded.items()}


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("number", [np.nan, -np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_known(kind: type, number: float) -> None:
    good = save({"a": np.array([1, -2, np.finfo(kind).max, np.finfo(kind).tiny], kind), "n": np.array([-1])})
    check_finite_tensors(good, read_layout(good, "x"))
    bad = save({"a": np.array([1, number, 3], kind)})
    with pytest.raises(ValueError, match="a has values that are infinite or NaN"):
        check_finite_tensors(bad, read_layout(bad, "x"))


def test_bf16_too() -> None:
    for bits, good in ((0x3F80, True), (0x7F7F, True), (0x7F80, False), (0xFFC0, False)):
        content = written({"a": facts(0, 2, kind="BF16")}, struct.pack("<H", bits))
        if good:
            check_finite_tensors(content, read_layout(content, "x"))
        else:
            with pytest.raises(ValueError, match="infinite or NaN"):
                check_finite_tensors(content, read_layout(content, "x"))


class TestShapes:
    config = ModelConfig(n_layers=2, d_model=8, n_heads=2, d_ff=12)

    def test_a_models_own_fit(self) -> None:
        check_shapes(model_shapes(self.config, 30), self.config, 30)

    @pytest.mark.parametrize(
        "change",
        [
            {"embedding.weight": (31, 8)},
            {"embedding.weight": (8, 30)},
            {"more": ()},
            {"blocks.0.attention.q.weight": (4, 16)},
        ],
    )
    def test_others_do_not(self, change: dict[str, tuple[int, ...]]) -> None:
        with pytest.raises(OctavoError, match=r"config\.toml"):
            check_shapes(model_shapes(self.config, 30) | change, self.config, 30)

    @pytest.mark.parametrize("size", [{"n_layers": 2**20}, {"d_model": 2**20}, {"d_ff": 2**20, "n_layers": 2**20}])
    def test_absurd_sizes_are_refused_at_once(self, size: dict[str, Any]) -> None:
        from dataclasses import replace

        began = time.process_time()
        with pytest.raises(OctavoError, match=r"config\.toml"):
            check_shapes(model_shapes(self.config, 30), replace(self.config, **size), 30)
        assert time.process_time() - began < 0.1
