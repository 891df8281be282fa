"""An executor that spawns a new process for every call.

Thus the memory of each call can be measured, and the death of a process affects only its own call
(`ProcessPoolExecutor` reuses its processes, and one death breaks the whole pool). A new process costs about a second
to import PyTorch, for a call that takes a minute.
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
_SIGKILL = 9  # Windows has no signal.SIGKILL
_UNGUARDED = (
    "a process could not start, its error is above: a script must call octavo.experiment below "
    "`if __name__ == '__main__':`, because each process imports the script"
)


class ProcessDied(Exception):
    """The process of a call ended without an answer."""

    def __init__(self, code: int | None) -> None:
        how = f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
            how += ", perhaps because memory was full" if -code == _SIGKILL else ""
        super().__init__(f"its process {how}")


class OwnProcesses(Executor):
    """Runs at most `workers` processes at once, each spawned for one call.

    Ctrl-C does not reach the processes; :meth:`stop` does.
    """

    def __init__(self, workers: int) -> None:
        resource_tracker.ensure_running()  # else spawning the first process would unblock signals
        self._threads = ThreadPoolExecutor(workers, "cell", initializer=_block_interrupts)
        self._lock = threading.Lock()  # processes are started, ended and signalled one at a time
        self._running: set[BaseProcess] = set()
        self._any_started = self._stopped = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call `function` in a new process; it, its arguments and its result must be picklable."""
        return self._threads.submit(self._call, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; see :meth:`concurrent.futures.Executor.shutdown`."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def stop(self, *, at_once: bool = False) -> None:
        """Send SIGTERM to every process, or SIGKILL if `at_once`, and start no more."""
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
            messages = _receive_all(receiver.recv)
        connection.wait([process.sentinel])
        with self._lock:
            self._running.discard(process)
            process.join()
            code = process.exitcode
            self._any_started |= bool(messages)
            if not self._any_started and code == 1:
                raise OctavoError(_UNGUARDED)
        if len(messages) < 2:
            raise ProcessDied(code)
        succeeded, value = messages[1]
        if not succeeded:
            raise value
        return value


def _receive_all(receive: Callable[[], Any]) -> list[Any]:
    """Return the messages of a process until it ends: that it has started, then its answer."""
    messages = []
    try:
        while True:
            messages.append(receive())
    except EOFError:
        return messages


def _run_call(
    sender: "connection.Connection[Any, Any]", function: Callable[..., Any], args: Any, kwargs: Any
) -> None:
    """Call `function` in this process and send the result or the exception."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with sender:
        sender.send("started")
        try:
            answer = (True, function(*args, **kwargs))
        except Exception as error:  # the caller gets every exception
            answer = (False, error)
        sender.send(answer)


def _stop_with_parent() -> None:
    """When the parent has died, ask this process to save and stop: nothing would read its answer."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _block_interrupts() -> None:
    """Block SIGINT in this thread; the processes that it spawns inherit that, so Ctrl-C does not end them unsaved."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
