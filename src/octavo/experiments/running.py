"""All cells through an executor: what is done is handed on, who crashes is tried again, who is stopped is saved."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait

from octavo.errors import OctavoError
from octavo.experiments.cell import Job, failed, run_cell
from octavo.experiments.pools import Pool
from octavo.experiments.row import Row

_EVERY = 0.2  # seconds between looks
_TRIES = 2  # of a cell whose process died

Futures = dict["Future[Row | None]", Job]


def run_jobs(
    jobs: Sequence[Job],
    pool: Pool,
    *,
    finished: Callable[[Row], None],
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
        futures[_submitted(job, pool)] = job
    while futures:
        for future in wait(futures, timeout=_EVERY, return_when=FIRST_COMPLETED).done:
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
                if tries[job.run] < _TRIES:
                    futures[_submitted(job, pool)] = job
                    continue
                row = failed(job, f"{error or type(error).__name__}, {_TRIES} times")
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


def _submitted(job: Job, pool: Pool) -> "Future[Row | None]":
    try:
        return pool.executor.submit(run_cell, job)
    except (BrokenExecutor, RuntimeError) as error:
        raise OctavoError(f"the executor takes no more work ({error}): start again with another one") from None
