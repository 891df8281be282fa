"""A process for each call: its result, its error, its death, and its signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.experiments.processes import OwnProcesses, ProcessDied

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_call_has_a_process_and_returns_its_result() -> None:
    with OwnProcesses(2) as processes:
        ids = [processes.submit(os.getpid).result() for _ in range(2)]
        assert os.getpid() not in ids
        assert ids[0] != ids[1]
        assert processes.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            processes.submit(divmod, 7, 0).result()


def test_the_death_of_a_process_is_an_error_of_its_call_alone() -> None:
    with OwnProcesses(2) as processes:
        killed = processes.submit(os.kill, 0, 0)
        healthy = processes.submit(abs, -3)
        died = processes.submit(os._exit, 7)
        killed_itself = processes.submit(signal.raise_signal, signal.SIGKILL)
        assert killed.result() is None
        with pytest.raises(ProcessDied, match="exit code 7"):
            died.result()
        with pytest.raises(ProcessDied, match=r"signal 9 \(Killed\).*memory"):
            killed_itself.result()
        assert healthy.result() == 3


def test_ctrl_c_does_not_reach_the_processes_but_stop_does(tmp_path: Path) -> None:
    with OwnProcesses(1) as processes:
        interrupted = processes.submit(signal.raise_signal, signal.SIGINT)
        assert interrupted.result() is None, "SIGINT is blocked"
        sleeping = processes.submit(time.sleep, 60)
        wait_until(lambda: any(p.is_alive() for p in processes._running))
        waiting = processes.submit(time.sleep, 60)
        processes.stop()
        with pytest.raises(ProcessDied, match="signal 15"):
            sleeping.result()
        assert waiting.exception() is not None, "no process is started after stop"


ORPHAN = """
import os, sys, time
from octavo.experiments.processes import OwnProcesses
if __name__ == "__main__":
    processes = OwnProcesses(1)
    processes.submit(exec, "import os, time; open(%r, 'w').write(str(os.getpid())); time.sleep(60)")
    time.sleep(60)
"""


def test_they_end_with_their_parent(tmp_path: Path, environment: dict[str, str]) -> None:
    place = tmp_path / "pid"
    (tmp_path / "orphan.py").write_text(ORPHAN % str(place))
    with subprocess.Popen([sys.executable, tmp_path / "orphan.py"], env=environment) as parent:
        wait_until(lambda: place.exists() and bool(place.read_text()))
        child = int(place.read_text())
        parent.kill()

    def gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{child}/stat").exists() and ") Z " in Path(f"/proc/{child}/stat").read_text()

    wait_until(gone)


UNGUARDED = """
from octavo.experiments.processes import OwnProcesses
with OwnProcesses(1) as processes:
    print(processes.submit(abs, -3).result())
"""


def test_a_script_without_a_main_guard_is_an_error_with_the_fix(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, tmp_path / "unguarded.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "OctavoError: a process could not start" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr


def test_many_at_once_all_answer() -> None:
    with OwnProcesses(4) as processes:
        assert [f.result() for f in [processes.submit(abs, -i) for i in range(8)]] == list(range(8))
    assert threading.active_count() < 20
