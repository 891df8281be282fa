"""Which windows of some pieces stand in a text: exactly, without a loop over symbols.

A window has a name, equal ones the same: the place of the pair (name of its first symbols, name of its last ones)
among such pairs, as in Karp, Miller & Rosenberg (1972). Only what both sides hold keeps a name, so names grow few as
windows grow long, and a longer window costs one look-up for each that is left.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BORDER = -1  # stands between two documents: no window holds one

_Names = npt.NDArray[np.int32]
_Integers = npt.NDArray[np.int64]
_BLOCK = 1 << 20  # windows of the text looked up at once, so that a long one needs little memory


@dataclass(frozen=True)
class SharedWindows:
    """The windows of `length` symbols that begin at each place of the text and of the pieces, by name.

    -1: there is none, because of a border or the end, or the other side does not hold it.
    """

    length: int
    names: int  # how many there are
    text: _Names
    queries: _Names

    @property
    def in_text(self) -> npt.NDArray[np.bool_]:
        """Whether the text holds the window that begins at each place of the pieces."""
        return self.queries >= 0

    def extend(self, by: int) -> "SharedWindows":
        """Windows longer by 0 … `length` symbols: two of these that overlap or touch."""
        pairs, places = _pairs(self.queries, by, self.names)
        known, names = np.unique(pairs, return_inverse=True)
        held = np.zeros(len(known), np.bool_)
        text = np.full(len(self.text), -1, np.int32)
        for start in range(0, len(text) if len(known) else 0, _BLOCK):
            wanted, at = _pairs(self.text[start : start + _BLOCK + by], by, self.names)
            nearest = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            same = known[nearest] == wanted
            held[nearest[same]] = True
            text[start + at[same]] = nearest[same]
        pieces = np.full(len(self.queries), -1, np.int32)
        pieces[places] = np.where(held[names], names, -1)
        return SharedWindows(self.length + by, len(known), text, pieces)


def shared_windows(text: _Names, pieces: _Names, length: int) -> SharedWindows:
    """Windows of so many symbols, 1 or more. Symbols are numbers from 0 on; BORDER stands between documents."""
    windows = _single_symbols(text, pieces)
    while 2 * windows.length <= length:
        windows = windows.extend(windows.length)
    return windows.extend(length - windows.length)


def longest_shared(text: _Names, pieces: _Names) -> tuple[int, int]:
    """The length of the longest window of the pieces that stands in the text, and where it begins; 0, 0: none."""
    windows = _single_symbols(text, pieces)
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


def _single_symbols(text: _Names, pieces: _Names) -> SharedWindows:
    """Windows of one symbol: symbols are names already, and get those that both sides hold."""
    symbols = 1 + max(int(text.max(initial=0)), int(pieces.max(initial=0)))
    return SharedWindows(1, symbols, text, pieces).extend(0)


def _pairs(names: _Names, by: int, count: int) -> tuple[_Integers, _Integers]:
    """The pairs of names `by` places apart, each as one number, and where they begin."""
    begin, end = names[: max(0, len(names) - by)], names[by:]
    places = np.flatnonzero((begin >= 0) & (end >= 0))
    return begin[places].astype(np.int64) * count + end[places], places
