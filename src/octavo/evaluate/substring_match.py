"""Find the windows of a query that occur in a text, exactly and without a loop over symbols.

Each distinct window has a number: the index of the pair (number of its first symbols, number of its last symbols)
among such pairs, as in Karp, Miller & Rosenberg (1972). Only windows that both sides hold keep a number, so fewer
numbers remain as windows grow longer, and extending a window costs one look-up for each that remains.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BORDER = -1  # the symbol between two documents: no window contains it

_Numbers = npt.NDArray[np.int32]
_Integers = npt.NDArray[np.int64]
_BLOCK = 1 << 20  # windows of the text looked up at once, so that a long text needs little memory


@dataclass(frozen=True)
class SharedWindows:
    """The numbers of the windows of `length` symbols that begin at each position of the text and of the query.

    -1: no window begins there because of a border or the end, or the other side does not hold it.
    """

    length: int
    count: int  # of distinct windows
    text: _Numbers
    query: _Numbers

    @property
    def in_text(self) -> npt.NDArray[np.bool_]:
        """Return whether the text holds the window at each position of the query, (N,)."""
        return self.query >= 0

    def extend(self, by: int) -> "SharedWindows":
        """Return windows that are longer by 0 to `length` symbols: two windows that overlap or touch."""
        pairs, positions = _pairs(self.query, by, self.count)
        known, numbers = np.unique(pairs, return_inverse=True)
        held = np.zeros(len(known), np.bool_)
        text = np.full(len(self.text), -1, np.int32)
        for start in range(0, len(text) if len(known) else 0, _BLOCK):
            wanted, offsets = _pairs(self.text[start : start + _BLOCK + by], by, self.count)
            nearest = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            same = known[nearest] == wanted
            held[nearest[same]] = True
            text[start + offsets[same]] = nearest[same]
        query = np.full(len(self.query), -1, np.int32)
        query[positions] = np.where(held[numbers], numbers, -1)
        return SharedWindows(self.length + by, len(known), text, query)


def shared_windows(text: _Numbers, query: _Numbers, length: int) -> SharedWindows:
    """Return the shared windows of `length` symbols, 1 or more.

    Args:
        text: symbols from 0 on, (N,), with BORDER between documents.
        query: the same, (M,).
        length: symbols of a window.
    """
    windows = _single_symbols(text, query)
    while 2 * windows.length <= length:
        windows = windows.extend(windows.length)
    return windows.extend(length - windows.length)


def longest_shared(text: _Numbers, query: _Numbers) -> tuple[int, int]:
    """Return the length of the longest window of the query that the text holds, and its position; 0, 0: none."""
    windows = _single_symbols(text, query)
    if not windows.in_text.any():
        return 0, 0
    while (longer := windows.extend(windows.length)).in_text.any():
        windows = longer
    longest, too_long = windows, windows.length
    while longest.length - windows.length + 1 < too_long:
        by = (longest.length - windows.length + too_long) // 2
        longer = windows.extend(by)
        if longer.in_text.any():
            longest = longer
        else:
            too_long = by
    return longest.length, int(longest.in_text.argmax())


def _single_symbols(text: _Numbers, query: _Numbers) -> SharedWindows:
    """Return windows of one symbol, renumbered to those that both sides hold."""
    symbols = 1 + max(int(text.max(initial=0)), int(query.max(initial=0)))
    return SharedWindows(1, symbols, text, query).extend(0)


def _pairs(numbers: _Numbers, by: int, count: int) -> tuple[_Integers, _Integers]:
    """Return the pairs of numbers `by` positions apart, each as one number, and their positions."""
    begin, end = numbers[: max(0, len(numbers) - by)], numbers[by:]
    positions = np.flatnonzero((begin >= 0) & (end >= 0))
    return begin[positions].astype(np.int64) * count + end[positions], positions
