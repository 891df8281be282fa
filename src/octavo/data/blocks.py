"""Go through very many token ids and hold few of them, also of those that lie on the disk."""

import mmap
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 20  # ids


def blocks(ids: npt.NDArray[np.integer], size: int = _BLOCK) -> Iterator[npt.NDArray[np.integer]]:
    """Stretches of `size` ids, one after the other; what of a file was read for them does not stay in memory."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
        _let_go(ids)


def _let_go(ids: npt.NDArray[np.integer]) -> None:
    """Tell the system that the pages of a memory-mapped file need not stay; they can be read again."""
    base: object = ids
    while isinstance(base, np.ndarray):
        base = base.base
    if sys.platform != "win32" and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
