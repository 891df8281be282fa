"""General compressors as language models: how many bytes they need for a text when they have read another first."""

from collections.abc import Callable
from dataclasses import dataclass

from octavo.errors import reason
from octavo.system.requirements import import_failure

_SLICE = 1 << 16  # bytes compressed at once, between two words of how far it is
_MIB = 1 << 20

Coder = tuple[Callable[[bytes], bytes], Callable[[], bytes]]  # compress a piece; the rest at the end


@dataclass(frozen=True)
class Compressor:
    """A compressor at its strongest setting, for texts of up to the bytes that `open` is told."""

    name: str
    package: str  # imported when it is first used: nothing else needs it, and its wheel may be broken
    seconds_per_mebibyte: float  # about, on a core of 2024: to weigh its work
    open: Callable[[int], Coder]

    @property
    def unavailable_reason(self) -> str:
        """Why there is none here; empty if there is."""
        failure = import_failure(self.package)
        return "" if failure is None else f"{self.package} cannot be imported ({reason(failure, named=True)})"

    def size(self, data: memoryview, room: int, passed: Callable[[int], None]) -> int:
        """Bytes of `data` when it is compressed with settings for `room` bytes.

        Other threads run meanwhile. `passed` is told of every slice how many bytes it had.
        """
        compress, finish = self.open(room)
        size = 0
        for start in range(0, len(data), _SLICE):
            part = bytes(data[start : start + _SLICE])
            size += len(compress(part))
            passed(len(part))
        return size + len(finish())


def _xz(room: int) -> Coder:
    """LZMA2 as in xz -9e, without the frame of an .xz file; the dictionary holds all."""
    import lzma  # a Python built without it has none

    dictionary = min(max(1 << room.bit_length(), 1 << 16), 64 * _MIB)
    chain = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary}]
    coder = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=chain)
    return coder.compress, coder.flush


def _zstd(room: int) -> Coder:
    """zstd --ultra -22 with a window over all, up to 128 MiB."""
    import zstandard

    window = min(max(room.bit_length(), 10), 27)
    parameters = zstandard.ZstdCompressionParameters.from_level(22, source_size=room, window_log=window)
    coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return coder.compress, coder.flush


def _brotli(room: int) -> Coder:
    """brotli -q 11 with its largest window, 16 MiB. It brings a dictionary of web pages along."""
    import brotli

    coder = brotli.Compressor(quality=11, lgwin=24)
    return coder.process, coder.finish


def _ppmd(room: int) -> Coder:
    """PPMd, variant I, order 6, with memory for all, up to 1 GiB."""
    import pyppmd

    coder = pyppmd.Ppmd8Encoder(6, min(max(16 * _MIB, 32 * room), 1 << 30))
    return coder.encode, coder.flush


COMPRESSORS = (
    Compressor("brotli 11", "brotli", 1.3, _brotli),
    Compressor("xz -9e", "lzma", 0.5, _xz),
    Compressor("zstd 22", "zstandard", 0.4, _zstd),
    Compressor("PPMd order 6", "pyppmd", 0.15, _ppmd),
)
