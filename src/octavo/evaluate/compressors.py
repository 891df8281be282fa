"""Use general compressors as language models: measure the bytes that a text adds to a text compressed before it."""

from collections.abc import Callable
from dataclasses import dataclass

from octavo.errors import reason
from octavo.system.requirements import import_failure

_SLICE = 1 << 16  # bytes compressed between two reports of the progress
_MIB = 1 << 20

Coder = tuple[Callable[[bytes], bytes], Callable[[], bytes]]  # compresses a slice; returns the rest at the end


@dataclass(frozen=True)
class Compressor:
    """A compressor at its strongest setting; `open` takes the size in bytes of the longest text."""

    name: str
    package: str  # is imported at its first use: nothing else needs it, and its wheel may be broken
    seconds_per_mebibyte: float  # about, on a core of 2024: weighs its work for the progress
    open: Callable[[int], Coder]

    @property
    def unavailable_reason(self) -> str:
        """Return why the compressor cannot be used here; empty if it can."""
        failure = import_failure(self.package)
        return "" if failure is None else f"{self.package} cannot be imported ({reason(failure, named=True)})"

    def size(self, data: memoryview, room: int, on_slice: Callable[[int], None]) -> int:
        """Return the size in bytes of compressed `data`; other threads run meanwhile.

        Args:
            data: the bytes to compress.
            room: the bytes that the settings (dictionary, window, memory) are made for.
            on_slice: is called with the number of bytes of each slice that is done.
        """
        compress, finish = self.open(room)
        size = 0
        for start in range(0, len(data), _SLICE):
            slice_ = bytes(data[start : start + _SLICE])
            size += len(compress(slice_))
            on_slice(len(slice_))
        return size + len(finish())


def _xz(room: int) -> Coder:
    """Open LZMA2 as in xz -9e, without the frame of an .xz file; the dictionary holds all data."""
    import lzma  # a Python built without it lacks the module

    dictionary = min(max(1 << room.bit_length(), 1 << 16), 64 * _MIB)
    chain = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary}]
    coder = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=chain)
    return coder.compress, coder.flush


def _zstd(room: int) -> Coder:
    """Open zstd --ultra -22 with a window over all data, up to 128 MiB."""
    import zstandard

    window = min(max(room.bit_length(), 10), 27)
    parameters = zstandard.ZstdCompressionParameters.from_level(22, source_size=room, window_log=window)
    coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return coder.compress, coder.flush


def _brotli(room: int) -> Coder:
    """Open brotli -q 11 with its largest window, 16 MiB; its built-in dictionary is of web pages."""
    import brotli

    coder = brotli.Compressor(quality=11, lgwin=24)
    return coder.process, coder.finish


def _ppmd(room: int) -> Coder:
    """Open PPMd, variant I, order 6, with memory for all data, up to 1 GiB."""
    import pyppmd

    coder = pyppmd.Ppmd8Encoder(6, min(max(16 * _MIB, 32 * room), 1 << 30))
    return coder.encode, coder.flush


COMPRESSORS = (
    Compressor("brotli 11", "brotli", 1.3, _brotli),
    Compressor("xz -9e", "lzma", 0.5, _xz),
    Compressor("zstd 22", "zstandard", 0.4, _zstd),
    Compressor("PPMd order 6", "pyppmd", 0.15, _ppmd),
)
