"""What the system tells of memory."""

import subprocess
import sys

import pytest

from octavo.system import hardware as memory
from octavo.system.hardware import available_memory, machine_memory, peak_memory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX tells")


def test_the_peak_is_of_this_process_and_in_bytes() -> None:
    before = peak_memory()
    block = bytearray(before + 50 * 2**20)  # larger than all that was ever resident
    block[:: 2**12] = bytes([1]) * len(block[:: 2**12])
    assert before + 40 * 2**20 < peak_memory() <= machine_memory()
    assert before > 20 * 2**20


def test_the_peak_never_falls() -> None:
    before = peak_memory()
    assert peak_memory() >= before


CHILD = "from octavo.system.hardware import peak_memory; print(peak_memory())"


def test_the_peak_is_not_the_parents() -> None:
    block = bytearray(300 * 2**20)
    block[:: 2**12] = bytes([1]) * len(block[:: 2**12])  # resident
    said = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    assert 2**20 < int(said) < 150 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
def test_what_is_available_is_a_part_of_what_there_is() -> None:
    assert 0 < available_memory() < machine_memory()


def test_a_container_may_take_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_limits", lambda: [2**40, 2**30])
    monkeypatch.setattr(memory, "memory_headroom", lambda: [2**40, 2**20])
    assert (machine_memory.__wrapped__(), available_memory()) == (2**30, 2**20)
