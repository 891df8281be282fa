"""One process at a time works on a run, and a dead one is no hindrance."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.runs import Locked, RunDirectory, locked

HOLD = """
import sys, time; from pathlib import Path
from octavo.runs import RunDirectory, locked
with locked(RunDirectory(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_goes_when_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(
                Locked,
                match=rf"another process is training {tmp_path.name} \(process {process.pid} on \S+\): wait",
            ),
            locked(RunDirectory(tmp_path)),
        ):
            pass
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / ".lock").read_text().startswith(str(process.pid)), "what the dead process left"
    for _ in range(2):
        with locked(RunDirectory(tmp_path)):
            assert (tmp_path / ".lock").read_text().startswith(f"{os.getpid()} on ")
        assert (tmp_path / ".lock").read_bytes() == b""


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(OctavoError, match="cannot be written to") as error,
        locked(RunDirectory(tmp_path / "missing")),
    ):
        pass
    assert not isinstance(error.value, Locked), "nobody is to wait for it"


@pytest.mark.parametrize("target", ["there", "not there"])
def test_what_a_link_in_its_place_leads_to_is_left_as_it_is(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_text("not ours")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / target)
    with pytest.raises(OctavoError, match="cannot be written to"), locked(RunDirectory(tmp_path / "run")):
        pass
    assert (tmp_path / "there").read_text() == "not ours"
    assert not (tmp_path / "not there").exists()
