"""Compressors: the known sizes, a code that can be read again, and settings that hold all of a text."""

import lzma
import math
import subprocess
import sys

import brotli
import pyppmd
import pytest
import zstandard

from octavo.evaluate.compressors import COMPRESSORS, Compressor

BY_NAME = {compressor.name: compressor for compressor in COMPRESSORS}
NOISE = bytes(b * b * 7 % 251 for b in range(3_000))


def size(compressor: Compressor, data: bytes, room: int = 0) -> int:
    return compressor.size(memoryview(data), room or len(data), lambda passed: None)


@pytest.mark.parametrize(("name", "nats"), [("xz -9e", 1.7456), ("zstd 22", 1.7603), ("PPMd order 6", 1.4043)])
def test_the_known_figures_of_tiny_shakespeare(shakespeare: str, name: str, nats: float) -> None:
    raw = shakespeare.encode()
    border = int(0.9 * len(raw))
    added = size(BY_NAME[name], raw, len(raw)) - size(BY_NAME[name], raw[:border], len(raw))
    assert added * math.log(256) / (len(raw) - border) == pytest.approx(nats, abs=5e-4)


def test_brotli_is_at_its_strongest(play: str) -> None:
    raw = play.encode()
    assert size(BY_NAME["brotli 11"], raw) == len(brotli.compress(raw, quality=11, lgwin=24))
    assert size(BY_NAME["brotli 11"], raw) < len(brotli.compress(raw, quality=9, lgwin=24))


def test_nothing_but_a_compressor_needs_its_package() -> None:
    absent = dict.fromkeys(("brotli", "pyppmd", "zstandard", "lzma"))
    code = f"import sys; sys.modules.update({absent}); import octavo; octavo.train"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda compressor: compressor.name)
def test_a_package_that_cannot_be_imported_is_named(compressor: Compressor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compressor.unavailable_reason == ""
    monkeypatch.setitem(sys.modules, compressor.package, None)
    assert compressor.package in compressor.unavailable_reason


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda compressor: compressor.name)
@pytest.mark.parametrize("data", [b"", b"x", NOISE, b"To be " * 40_000], ids=["nothing", "x", "noise", "long"])
def test_what_comes_out_can_be_read_again(compressor: Compressor, data: bytes) -> None:
    compress, finish = compressor.open(len(data))
    packed = compress(data) + finish()
    assert read_again(compressor.name, packed, len(data)) == data
    assert abs(size(compressor, data) - len(packed)) <= 16, "in slices it is as good as at once"


def read_again(name: str, packed: bytes, length: int) -> bytes:
    if name.startswith("xz"):
        chain = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]
        return lzma.decompress(packed, lzma.FORMAT_RAW, filters=chain)
    if name.startswith("zstd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    if name.startswith("brotli"):
        return bytes(brotli.decompress(packed))
    return bytes(pyppmd.Ppmd8Decoder(6, 16 << 20).decode(packed, length)) if length else b""


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda compressor: compressor.name)
def test_a_text_at_the_far_end_is_remembered(compressor: Compressor) -> None:
    """What does not repeat, two hundred kilobytes later: it costs next to nothing the second time."""
    first = bytes((i * i * 31 + i // 7 * 13) % 256 for i in range(4_000))
    between = b"".join(b"%d, " % (i * i) for i in range(20_000))
    alone = size(compressor, first + between, 300_000)
    assert size(compressor, first + between + first, 300_000) - alone < size(compressor, first) / 2


def test_every_byte_is_told() -> None:
    told: list[int] = []
    BY_NAME["zstd 22"].size(memoryview(bytes(200_000)), 200_000, told.append)
    assert sum(told) == 200_000
    assert len(told) > 2
