"""Windows that two sequences share: what a slow search finds."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.evaluate import substring_match as module
from octavo.evaluate.substring_match import BORDER, longest_shared, shared_windows

SYMBOLS = st.lists(st.sampled_from([BORDER, 0, 1, 2, 70_000]), max_size=40)


def array(symbols: Sequence[int]) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return np.array(symbols, np.int32)


def windows(symbols: Sequence[int], length: int) -> list[tuple[int, ...] | None]:
    """The window at each place; None where a border or the end is in its way."""
    cut = [tuple(symbols[at : at + length]) for at in range(len(symbols))]
    return [window if len(window) == length and BORDER not in window else None for window in cut]


@given(SYMBOLS, SYMBOLS, st.integers(1, 12), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_windows_of_any_length(text: list[int], pieces: list[int], length: int, block: int) -> None:
    there = set(windows(text, length)) - {None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        shared = shared_windows(array(text), array(pieces), length)
    assert shared.length == length
    assert shared.in_text.tolist() == [window in there for window in windows(pieces, length)]


@given(SYMBOLS, SYMBOLS)
@settings(max_examples=200, deadline=None)
def test_the_longest_window(text: list[int], pieces: list[int]) -> None:
    length, place = longest_shared(array(text), array(pieces))
    known = [n for n in range(1, 41) if (set(windows(text, n)) & set(windows(pieces, n))) - {None}]
    assert length == max(known, default=0)
    if length:
        assert windows(pieces, length)[place] in windows(text, length)


@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 64, 1_000])
def test_a_long_one_is_found_to_the_symbol(length: int) -> None:
    random = np.random.Generator(np.random.PCG64(length))
    text = random.integers(0, 1_000, 50_000).astype(np.int32)
    pieces = random.integers(1_000, 2_000, 3_000).astype(np.int32)
    pieces[500 : 500 + length] = text[7_777 : 7_777 + length]
    assert longest_shared(text, pieces) == (length, 500)
