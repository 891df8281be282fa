"""A process that has imported everything and forks a child for each run, so that it starts at once.

It reads one job per line (JSON) and answers each with one line. `faults.c` is preloaded.
"""

import ctypes
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from typing import Any

_POLL = 0.001  # seconds


def main() -> None:
    """Serve until standard input ends."""
    import torch._dynamo  # imported by optimizers

    import octavo.pipeline.train
    import octavo.training.forecast
    from octavo.config.overrides import Request

    assert torch._dynamo, octavo.pipeline
    Request().applied_to(None)  # its imports too: a child may run as a user who cannot read them

    octavo.training.forecast._PROBE_SECONDS = 0.0  # no time forecast
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)


def _serve(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as counted:
        began = time.monotonic()
        child = os.fork()
        if not child:
            _be_the_child(job, said.fileno(), counted.fileno())
        status = _waited(child, began + job["kill_after"] if job["kill_after"] is not None else None)
        seconds = time.monotonic() - began
        said.seek(0)
        counted.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": seconds,
            "said": said.read().decode(),
            "calls": int(counted.read() or 0),
        }


def _waited(child: int, deadline: float | None) -> int:
    while deadline is not None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(_POLL)
    return os.waitpid(child, 0)[1]


def _be_the_child(job: dict[str, Any], said: int, counted: int) -> None:
    """Train and end the process with exit code 0, 2 (a sentence) or 1 (a traceback)."""
    from octavo.errors import OctavoError
    from octavo.pipeline.train import train

    code = 1
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        for setting in job["patches"]:
            exec(setting, {})
        if job["user"]:
            os.setgroups([])
            os.setgid(job["user"])
            os.setuid(job["user"])
        library = ctypes.CDLL(None)
        fault = job["fault"]
        if fault:
            library.fault(*(part.encode() if isinstance(part, str) else part for part in fault))
        if job["log"]:
            library.log_to(os.open(job["log"], os.O_WRONLY | os.O_CREAT))
        try:
            train(**job["train"])
            code = 0
        except OctavoError as error:
            print(f"octavo: {error}", file=sys.stderr)
            code = 2
        if fault:
            os.write(counted, str(library.calls()).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
