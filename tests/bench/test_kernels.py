"""The kernels are off where they are to be, and on again after."""

import os
import time

import pytest

from octavo.bench.kernels import WITH, WITHOUT, timed_without, ways, without_kernels
from octavo.kernels.library import kernels_here, library


def test_they_are_left_out_within_it_alone() -> None:
    before, switch = kernels_here(), os.environ.get("OCTAVO_NATIVE")
    with without_kernels():
        assert library() is None
        assert kernels_here() == "none"
    assert kernels_here() == before
    assert os.environ.get("OCTAVO_NATIVE") == switch


def test_they_come_back_when_the_work_goes_wrong() -> None:
    before = kernels_here()
    with pytest.raises(ZeroDivisionError), without_kernels():
        raise ZeroDivisionError
    assert kernels_here() == before


def test_work_without_them_tells_its_seconds() -> None:
    assert timed_without(lambda: 0.25)() == 0.25
    found: list[str] = []

    def work() -> None:
        time.sleep(0.05)
        found.append(kernels_here())

    assert 0.05 <= timed_without(work)() < 10
    assert found == ["none"]


def test_where_there_are_none_there_is_one_way() -> None:
    with without_kernels():
        assert list(ways(lambda: None)) == [WITHOUT]
    assert list(ways(lambda: None)) == ([WITHOUT] if library() is None else [WITHOUT, WITH])
