"""Executors for cells (processes of this machine, a Dask cluster, or a given one), and the loop that runs them.

A result is handed on as soon as it is there. A cell whose process dies is tried again. A stopped cell saves its run.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from octavo.errors import OctavoError, reason
from octavo.experiments.cell import CellJob, failed_result, run_cell
from octavo.experiments.processes import OwnProcesses
from octavo.experiments.results import CellResult
from octavo.system.hardware import machine_memory
from octavo.system.requirements import pip_install
from octavo.system.terminal import quantity
from octavo.system.threads import usable_cores

_CELL_MEMORY_BYTES = 2**30  # of training a tiny model, rounded up
_MAX_WORKERS = 1024
_SCHEDULER_TIMEOUT = "10s"
_POLL_SECONDS = 0.2
_MAX_TRIES = 2  # of a cell whose process died

Futures = dict["Future[CellResult | None]", CellJob]


@dataclass(frozen=True)
class Pool:
    """An executor and its properties."""

    executor: Executor
    slots: int  # cells at once; 0: unknown
    own_process: bool  # each cell gets a process of its own
    remote: bool  # a cluster: `Future.running` is unknown, and stopping does not wait for the running cells
    stop: Callable[[], None]  # ask the running cells to save and stop
    start_message: str
    stop_message: str  # what stopping means for the running cells


@contextmanager
def open_pool(workers: int | None, scheduler: str | None, executor: Executor | None) -> Iterator[Pool]:
    """Open the requested executor, by default processes of this machine. A given executor is not shut down.

    Raises:
        OctavoError: more than one was requested, or the cluster cannot be reached.
    """
    if sum(given is not None for given in (workers, scheduler, executor)) > 1:
        raise OctavoError("give only one of workers (of this machine), scheduler (of a cluster) and executor")
    if executor is not None:
        start = f"running in a {type(executor).__name__}"
        stop = "stopping when the running cells have finished"
        yield Pool(executor, 0, False, False, lambda: None, start, stop)
    elif scheduler is not None:
        yield from _cluster(scheduler)
    else:
        yield from _processes(workers)


def default_workers() -> int:
    """Return one worker for each core that this process may use, as far as memory allows."""
    cores = usable_cores()
    memory = machine_memory()
    return max(1, min(cores, memory // _CELL_MEMORY_BYTES) if memory else cores)


def check_workers(workers: int | None) -> None:
    """Raise OctavoError if the number of workers is out of range."""
    if workers is not None and not 1 <= workers <= _MAX_WORKERS:
        raise OctavoError(f"{workers} workers are out of range: give 1 to {_MAX_WORKERS}, one for each core is best")


def _processes(workers: int | None) -> Iterator[Pool]:
    slots = workers or default_workers()
    with OwnProcesses(slots) as processes:
        start = f"{quantity(slots, 'run')} at a time, each in a process with one thread"
        stop = "stopping when the running cells are saved; Ctrl-C again stops at once"
        try:
            yield Pool(processes, slots, True, False, processes.stop, start, stop)
        except BaseException as error:
            processes.shutdown(wait=False, cancel_futures=True)
            processes.stop(at_once=isinstance(error, KeyboardInterrupt))  # a second Ctrl-C does not wait
            raise


def _cluster(address: str) -> Iterator[Pool]:
    client = _client(address)
    try:
        slots = sum(client.nthreads().values())
        start = f"on the cluster at {address}, {quantity(slots, 'run')} at a time"
        start = start if slots else f"{address} has no workers yet"
        stop = "stopping here; running cells continue on the cluster, and the next start reads their results"
        yield Pool(client.get_executor(pure=False), slots, False, True, lambda: None, start, stop)
    finally:
        client.close()


def _client(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        install = pip_install("octavo[cluster]")
        raise OctavoError(f"a cluster needs Dask: {install}, here and on every worker") from None
    if not re.fullmatch(r"(\w+://)?\S+:\d+", address):
        raise OctavoError(f"{address!r} is not the address of a scheduler: write it as tcp://10.0.0.1:8786")
    try:
        return distributed.Client(address, timeout=_SCHEDULER_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        details = " ".join(reason(error).split())
        raise OctavoError(f"no Dask scheduler answers at {address} ({details}): check address and network") from None


def run_jobs(
    jobs: Sequence[CellJob],
    pool: Pool,
    *,
    on_result: Callable[[CellResult], None],
    on_poll: Callable[[Futures], None],
    stop_signal: Callable[[], int],
) -> int:
    """Run every job.

    Args:
        jobs: the cells to run.
        pool: where they run.
        on_result: gets each row as soon as it is known.
        on_poll: gets the futures that are not done, several times a second.
        stop_signal: returns the number of a signal that asked to stop, else 0. After one, waiting cells are cancelled
            and running cells are asked to save and stop.

    Returns:
        The number of that signal, or 0.

    Raises:
        OctavoError: the executor accepts no more work.
    """
    tries: Counter[str] = Counter()  # by run
    futures: Futures = {}
    signalled = 0
    for job in jobs:
        futures[_submit(job, pool)] = job
    while futures:
        for future in wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED).done:
            job = futures.pop(future)
            try:
                row = future.result()
            except CancelledError:
                continue
            except OctavoError:  # not from a cell, whose errors are rows: no process can start
                raise
            except Exception as error:  # a dead process, whatever the executor calls it
                tries[job.run] += 1
                if signalled:
                    continue
                if tries[job.run] < _MAX_TRIES:
                    futures[_submit(job, pool)] = job
                    continue
                row = failed_result(job, f"{error or type(error).__name__}, {_MAX_TRIES} times")
            if row is not None:
                on_result(row)
        on_poll(futures)
        if not signalled and (signalled := stop_signal()):
            for future in futures:
                future.cancel()
            pool.stop()
            if pool.remote:
                break
    return signalled


def _submit(job: CellJob, pool: Pool) -> "Future[CellResult | None]":
    try:
        return pool.executor.submit(run_cell, job)
    except (BrokenExecutor, RuntimeError) as error:
        raise OctavoError(f"the executor accepts no more work ({error}): start again with a new one") from None
