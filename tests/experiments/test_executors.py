"""Executors for cells, and requests that are refused."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from octavo.errors import OctavoError
from octavo.experiments import executors
from octavo.experiments.executors import check_workers, default_workers, open_pool


def test_processes_of_this_machine_by_default() -> None:
    with open_pool(None, None, None) as pool:
        assert pool.slots == default_workers() >= 1
        assert pool.own_process
        assert pool.executor.submit(abs, -1).result() == 1
    with open_pool(3, None, None) as pool:
        assert pool.slots == 3
        assert "3 runs at a time" in pool.start_message


def test_no_more_than_cores_nor_than_the_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(executors, "machine_memory", lambda: 100 * 2**30)
    assert default_workers() == 6
    monkeypatch.setattr(executors, "machine_memory", lambda: 4 * 2**30)
    assert default_workers() == 4
    monkeypatch.setattr(executors, "machine_memory", lambda: 0)
    assert default_workers() == 6, "unknown memory limits nothing"
    monkeypatch.setattr(executors, "machine_memory", lambda: 1000)
    assert default_workers() == 1


def test_a_given_executor_is_not_shut_down() -> None:
    with ThreadPoolExecutor(1) as executor:
        with open_pool(None, None, executor) as pool:
            assert pool.executor is executor
            assert not pool.own_process
        assert executor.submit(abs, -1).result() == 1


def test_two_executors_are_refused() -> None:
    with pytest.raises(OctavoError, match=r"workers .*scheduler .*executor"), open_pool(2, "tcp://127.0.0.1:1", None):
        pass


@pytest.mark.parametrize("workers", [0, -1, 5000])
def test_workers_in_range(workers: int) -> None:
    with pytest.raises(OctavoError, match=f"^{workers} workers"):
        check_workers(workers)
    check_workers(None)
    check_workers(1)


def test_a_missing_dask_is_refused_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OctavoError, match=r"pip install 'octavo\[cluster\]'"), open_pool(None, "tcp://x:1", None):
        pass


def test_a_scheduler_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_SCHEDULER_TIMEOUT", "200ms")
    address = "tcp://127.0.0.1:9"
    with pytest.raises(OctavoError, match=address), open_pool(None, address, None):
        pass


def test_an_invalid_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_SCHEDULER_TIMEOUT", "200ms")
    with pytest.raises(OctavoError, match=r"'nonsense' .*tcp://"), open_pool(None, "nonsense", None):
        pass
