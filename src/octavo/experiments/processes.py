"""Calls in processes of their own: an executor whose every call gets a fresh one.

So what a call needs of memory can be measured, and when a process dies it is known whose it was and nobody else is
touched (`ProcessPoolExecutor` keeps its processes, and breaks as a whole). A fresh process costs about a second,
since it imports PyTorch, of a call that takes a minute.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

from octavo.errors import OctavoError

_SPAWN = multiprocessing.get_context("spawn")
_KILL = 9
_UNGUARDED = (
    "a process could not begin, its error is above: a script that calls octavo.experiment has to do so below "
    "`if __name__ == '__main__':`, since each process imports it"
)


class ProcessDied(Exception):
    """The process of a call ended without an answer."""

    def __init__(self, code: int | None) -> None:
        how = f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
            how += ": perhaps the memory was full" if -code == _KILL else ""
        super().__init__(f"its process {how}")


class OwnProcesses(Executor):
    """At most `workers` processes at once; each is spawned for one call. Ctrl-C does not reach them, `stop` does."""

    def __init__(self, workers: int) -> None:
        resource_tracker.ensure_running()  # it would let signals through again while the first process is spawned
        self._threads = ThreadPoolExecutor(workers, "cell", initializer=_block_interrupts)
        self._lock = threading.Lock()  # starting, ending and signalling: one at a time
        self._running: set[BaseProcess] = set()
        self._begun = self._stopped = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call `function` in a process of its own; it and its arguments are pickled, and so is what it returns."""
        return self._threads.submit(self._call, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As every executor's."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def stop(self, *, at_once: bool = False) -> None:
        """Ask every process to end (SIGTERM), or make it (SIGKILL), and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                if at_once:
                    process.kill()
                else:
                    process.terminate()

    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        receiver, sender = _SPAWN.Pipe(duplex=False)
        with receiver:
            with self._lock, sender:
                if self._stopped:
                    raise CancelledError
                process = _SPAWN.Process(target=_run_call, args=(sender, function, args, kwargs), daemon=True)
                process.start()
                self._running.add(process)
            answers = _receive_all(receiver.recv)
        connection.wait([process.sentinel])
        with self._lock:
            self._running.discard(process)
            process.join()
            code = process.exitcode
            self._begun |= bool(answers)
            if not self._begun and code == 1:
                raise OctavoError(_UNGUARDED)
        if len(answers) < 2:
            raise ProcessDied(code)
        returned, value = answers[1]
        if not returned:
            raise value
        return value


def _receive_all(receive: Callable[[], Any]) -> list[Any]:
    """All that a process says until it ends: that it has begun, and its answer."""
    answers = []
    try:
        while True:
            answers.append(receive())
    except EOFError:
        return answers


def _run_call(
    sender: "connection.Connection[Any, Any]", function: Callable[..., Any], args: Any, kwargs: Any
) -> None:
    """What a process does."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with sender:
        sender.send("begun")
        try:
            answer = (True, function(*args, **kwargs))
        except Exception as error:  # whatever it is, the one who asked is to have it
            answer = (False, error)
        sender.send(answer)


def _stop_with_parent() -> None:
    """Nobody waits for an answer when the parent has died: save, and stop."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _block_interrupts() -> None:
    """In a thread: the processes that it spawns inherit this, so that Ctrl-C does not end them unsaved."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
