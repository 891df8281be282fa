"""Threads that wait sleep, and there are no more than a container lets run, unless the person wants otherwise."""

import os
import subprocess
import sys
import threading
import time

import pytest
import torch

from octavo.system.threads import configure_threads, one_thread, run_in_threads, usable_cores

# Says what the policy is at the moment at which torch is about to be loaded, or else at the end.
AT_TORCH = """
import os, sys
import octavo
class ProgressCallback:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            print(*map(os.environ.get, POLICY), flush=True)
            os._exit(0)
sys.meta_path.insert(0, ProgressCallback)
USE
print(*map(os.environ.get, POLICY))
"""


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({}, "PASSIVE 1000"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
        ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7"),
    ],
)
@pytest.mark.parametrize("use", ["octavo.load", "from octavo.cli.main import main; main(['presets'])"])
def test_the_policy_is_set_before_torch_is_loaded(asked: dict[str, str], kept: str, use: str) -> None:
    policy = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in policy} | asked
    code = AT_TORCH.replace("USE", use).replace("POLICY", repr(policy))
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == kept


@pytest.mark.parametrize(("shares", "cores"), [([], 8), ([3], 3), ([16], 8), ([4, 2], 2)])
def test_a_containers_share_of_processors_counts(
    shares: list[int], cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.system.threads.cpu_limits", lambda: shares)
    monkeypatch.setattr("octavo.system.threads._n_cores", lambda: 8)
    assert usable_cores() == cores
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    configure_threads()
    assert os.environ.pop("OMP_NUM_THREADS", "8") == str(cores)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    configure_threads()
    assert os.environ["OMP_NUM_THREADS"] == "5", "what the person has set stays"


def test_pieces_are_done_at_the_same_time_each_with_one_thread_of_torch() -> None:
    before, meeting, seen = torch.get_num_threads(), threading.Barrier(3, timeout=20), []

    def piece() -> None:
        meeting.wait()  # as long as not all three are at work
        torch.ones(2).sum()
        seen.append((threading.get_ident(), torch.get_num_threads()))

    run_in_threads([piece] * 3)
    assert len({thread for thread, _ in seen}) == 3
    assert {threads for _, threads in seen} == {1}
    assert torch.get_num_threads() == before
    run_in_threads([])


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_comes_when_all_have_ended(failing: int) -> None:
    ended = []

    def fail() -> None:
        raise ValueError("failed")

    def slow() -> None:
        time.sleep(0.1)
        ended.append(True)

    pieces = [slow, slow]
    pieces[failing] = fail
    with pytest.raises(ValueError, match="failed"):
        run_in_threads(pieces)
    assert ended


def test_of_threads_that_overlap_with_one_each_every_one_gets_its_own_number_back() -> None:
    """A thread that torch does not know yet begins with the number that was set last, by whichever thread."""
    before = torch.get_num_threads()
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    after: dict[str, int] = {}

    def first() -> None:
        with one_thread():
            first_in.set()
            assert second_in.wait(10)
        after["first"] = torch.get_num_threads()
        first_out.set()

    def second() -> None:
        assert first_in.wait(10)
        with one_thread():
            with one_thread():
                second_in.set()
                assert first_out.wait(10)
            after["within"] = torch.get_num_threads()
        after["second"] = torch.get_num_threads()

    def later() -> None:
        after["later"] = torch.get_num_threads()

    try:
        torch.set_num_threads(3)
        both = [threading.Thread(target=first), threading.Thread(target=second)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        last = threading.Thread(target=later)
        last.start()
        last.join()
        assert after == {"first": 3, "within": 1, "second": 3, "later": 3}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
