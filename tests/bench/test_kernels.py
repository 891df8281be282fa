"""The kernels are disabled within a context and enabled after it."""

import os
import time

import pytest

from octavo.bench.kernels import WITH, WITHOUT, timed_without_kernels, with_and_without_kernels, without_kernels
from octavo.bench.measure import BenchCase
from octavo.kernels.library import active_build, library


def test_they_are_disabled_within_the_context_only() -> None:
    before, switch = active_build(), os.environ.get("OCTAVO_NATIVE")
    with without_kernels():
        assert library() is None
        assert active_build() == "none"
    assert active_build() == before
    assert os.environ.get("OCTAVO_NATIVE") == switch


def test_they_are_enabled_again_after_an_error() -> None:
    before = active_build()
    with pytest.raises(ZeroDivisionError), without_kernels():
        raise ZeroDivisionError
    assert active_build() == before


def test_work_without_kernels_returns_its_seconds() -> None:
    assert timed_without_kernels(lambda: 0.25)() == 0.25
    found: list[str] = []

    def work() -> None:
        time.sleep(0.05)
        found.append(active_build())

    assert 0.05 <= timed_without_kernels(work)() < 10
    assert found == ["none"]


def test_without_kernels_there_is_one_case() -> None:
    case = BenchCase("", "work", 1, "times", lambda: None)
    with without_kernels():
        assert [one.name for one in with_and_without_kernels(case)] == [WITHOUT]
    names = [one.name for one in with_and_without_kernels(case)]
    assert names == ([WITHOUT] if library() is None else [WITHOUT, WITH])
