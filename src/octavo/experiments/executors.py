"""Where cells run: processes of this machine, a Dask cluster, or whatever executor is given.

All cells through an executor: what is done is handed on, who crashes is tried again, who is stopped is saved.
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
from octavo.system.terminal import counted
from octavo.system.threads import usable_cores

_CELL_MEMORY_BYTES = 2**30  # bytes: what a tiny model's training takes, rounded up
_SCHEDULER_TIMEOUT = "10s"  # for an answer of the scheduler


@dataclass(frozen=True)
class Pool:
    """An executor and what has to be known of it."""

    executor: Executor
    count: int  # cells at once; 0: unknown
    own_process: bool  # each cell gets one
    reports_running: bool  # its futures say whether they run yet
    stop: Callable[[], None]  # ask the running cells to save and stop
    waits: bool  # to stop means to wait for the running cells
    note: str
    parting: str  # what happens to the running cells when the experiment is stopped


@contextmanager
def open_pool(workers: int | None, scheduler: str | None, executor: Executor | None) -> Iterator[Pool]:
    """The one that is asked for; an executor that was given is left open.

    Raises:
        OctavoError: more than one is asked for, or there is no such cluster.
    """
    if sum(given is not None for given in (workers, scheduler, executor)) > 1:
        raise OctavoError("runs go to workers of this machine, to a scheduler or to an executor: give one of them")
    if executor is not None:
        note, parting = f"running in a {type(executor).__name__}", "stopping, when what runs is done"
        yield Pool(executor, 0, False, True, lambda: None, True, note, parting)
    elif scheduler is not None:
        yield from _cluster(scheduler)
    else:
        yield from _processes(workers)


def default_workers() -> int:
    """One for each core that this process may use, as long as there is memory for them."""
    cores = usable_cores()
    memory = machine_memory()
    return max(1, min(cores, memory // _CELL_MEMORY_BYTES) if memory else cores)


def check_workers(workers: int | None) -> None:
    """Raises OctavoError unless there can be so many."""
    if workers is not None and not 1 <= workers <= 1024:
        raise OctavoError(f"{workers} workers are out of range: from 1 to 1024, one for each core is best")


def _processes(workers: int | None) -> Iterator[Pool]:
    count = workers or default_workers()
    with OwnProcesses(count) as processes:
        note = f"{counted(count, 'run')} at a time, each in a process with one thread"
        try:
            parting = "stopping, when what runs is saved; Ctrl-C again stops at once"
            yield Pool(processes, count, True, True, processes.stop, True, note, parting)
        except BaseException as error:
            processes.shutdown(wait=False, cancel_futures=True)
            processes.stop(at_once=isinstance(error, KeyboardInterrupt))  # a second Ctrl-C waits for no one
            raise


def _cluster(address: str) -> Iterator[Pool]:
    client = _client(address)
    try:
        count = sum(client.nthreads().values())
        note = (
            f"on the cluster at {address}, {counted(count, 'run')} at a time"
            if count
            else f"{address} has no workers yet"
        )
        parting = "stopping here; what runs goes on to its end on the cluster, and the next start takes it up"
        yield Pool(client.get_executor(pure=False), count, False, False, lambda: None, False, note, parting)
    finally:
        client.close()


def _client(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        install = pip_install("octavo[cluster]")
        raise OctavoError(f"a cluster needs Dask: {install}, here and on every worker") from None
    if not re.fullmatch(r"(\w+://)?\S+:\d+", address):
        raise OctavoError(f"{address!r} is no scheduler's address: write it as tcp://10.0.0.1:8786")
    try:
        return distributed.Client(address, timeout=_SCHEDULER_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OctavoError(f"no Dask scheduler answers at {address} ({' '.join(reason(error).split())})") from None


_POLL_SECONDS = 0.2  # seconds between looks
_MAX_TRIES = 2  # of a cell whose process died

Futures = dict["Future[CellResult | None]", CellJob]


def run_jobs(
    jobs: Sequence[CellJob],
    pool: Pool,
    *,
    finished: Callable[[CellResult], None],
    look: Callable[[Futures], None],
    stop: Callable[[], int],
) -> int:
    """Run every job. `finished` gets each row as it comes, `look` what is still under way, several times a second.

    Returns the signal that `stop` told of, or 0. After one, cells that wait are cancelled and those that run are
    asked to save and stop.

    Raises:
        OctavoError: the executor takes no more work.
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
            except OctavoError:  # none of a cell's, which are rows: no process can begin
                raise
            except Exception as error:  # a dead process, in the words of any executor: the cell is tried again
                tries[job.run] += 1
                if signalled:
                    continue
                if tries[job.run] < _MAX_TRIES:
                    futures[_submit(job, pool)] = job
                    continue
                row = failed_result(job, f"{error or type(error).__name__}, {_MAX_TRIES} times")
            if row is not None:
                finished(row)
        look(futures)
        if not signalled and (signalled := stop()):
            for future in futures:
                future.cancel()
            pool.stop()
            if not pool.waits:
                break
    return signalled


def _submit(job: CellJob, pool: Pool) -> "Future[CellResult | None]":
    try:
        return pool.executor.submit(run_cell, job)
    except (BrokenExecutor, RuntimeError) as error:
        raise OctavoError(f"the executor takes no more work ({error}): start again with another one") from None
