"""Where cells run, and what is refused."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from octavo.errors import OctavoError
from octavo.experiments import executors as pools
from octavo.experiments.executors import check_workers, default_workers, open_pool


def test_processes_of_this_machine_by_default() -> None:
    with open_pool(None, None, None) as pool:
        assert pool.count == default_workers() >= 1
        assert pool.own_process
        assert pool.executor.submit(abs, -1).result() == 1
    with open_pool(3, None, None) as pool:
        assert pool.count == 3
        assert "3 runs at a time" in pool.note


def test_no_more_than_cores_nor_than_the_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(pools, "machine_memory", lambda: 100 * 2**30)
    assert default_workers() == 6
    monkeypatch.setattr(pools, "machine_memory", lambda: 4 * 2**30)
    assert default_workers() == 4
    monkeypatch.setattr(pools, "machine_memory", lambda: 0)
    assert default_workers() == 6, "unknown memory limits nothing"
    monkeypatch.setattr(pools, "machine_memory", lambda: 1000)
    assert default_workers() == 1


def test_an_executor_that_is_given_is_left_open() -> None:
    with ThreadPoolExecutor(1) as executor:
        with open_pool(None, None, executor) as pool:
            assert pool.executor is executor
            assert not pool.own_process
        assert executor.submit(abs, -1).result() == 1


def test_one_place_at_a_time() -> None:
    with pytest.raises(OctavoError, match="give one of them"), open_pool(2, "tcp://127.0.0.1:1", None):
        pass


@pytest.mark.parametrize("workers", [0, -1, 5000])
def test_workers_in_range(workers: int) -> None:
    with pytest.raises(OctavoError, match=f"{workers} workers are out of range"):
        check_workers(workers)
    check_workers(None)
    check_workers(1)


def test_without_dask_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OctavoError, match=r"pip install 'octavo\[cluster\]'"), open_pool(None, "tcp://x:1", None):
        pass


def test_a_scheduler_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_SCHEDULER_TIMEOUT", "200ms")
    address = "tcp://127.0.0.1:9"
    with pytest.raises(OctavoError, match=f"no Dask scheduler answers at {address}"), open_pool(None, address, None):
        pass


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_SCHEDULER_TIMEOUT", "200ms")
    with pytest.raises(OctavoError, match="'nonsense' is no scheduler's address"), open_pool(None, "nonsense", None):
        pass
