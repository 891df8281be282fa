"""A process for each call: its answer, its error, its death, and what reaches it."""

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


def test_a_process_of_its_own_for_every_call_and_its_answer() -> None:
    with OwnProcesses(2) as processes:
        ids = [processes.submit(os.getpid).result() for _ in range(2)]
        assert os.getpid() not in ids
        assert ids[0] != ids[1]
        assert processes.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            processes.submit(divmod, 7, 0).result()


def test_the_death_of_one_is_told_and_touches_nobody_else() -> None:
    with OwnProcesses(2) as processes:
        killed = processes.submit(os.kill, 0, 0)
        healthy = processes.submit(abs, -3)
        died = processes.submit(os._exit, 7)
        suicide = processes.submit(signal.raise_signal, signal.SIGKILL)
        assert killed.result() is None
        with pytest.raises(ProcessDied, match="its process ended with exit code 7"):
            died.result()
        with pytest.raises(ProcessDied, match=r"ended by signal 9 \(Killed\): perhaps the memory was full"):
            suicide.result()
        assert healthy.result() == 3


def test_control_c_does_not_reach_them_and_stop_does(tmp_path: Path) -> None:
    with OwnProcesses(1) as processes:
        interrupted = processes.submit(signal.raise_signal, signal.SIGINT)
        assert interrupted.result() is None, "SIGINT is held back"
        sleeping = processes.submit(time.sleep, 60)
        wait_until(lambda: any(p.is_alive() for p in processes._running))
        waiting = processes.submit(time.sleep, 60)
        processes.stop()
        with pytest.raises(ProcessDied, match="signal 15"):
            sleeping.result()
        assert waiting.exception() is not None, "none is started any more"


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


def test_a_script_without_a_guard_is_told_what_it_needs(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, tmp_path / "unguarded.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "OctavoError: a process could not begin" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr


def test_many_at_once_all_answer() -> None:
    with OwnProcesses(4) as processes:
        assert [f.result() for f in [processes.submit(abs, -i) for i in range(8)]] == list(range(8))
    assert threading.active_count() < 20
