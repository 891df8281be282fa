"""Threads that wait sleep, and there are no more than a container lets run, unless the person wants otherwise."""

import os
import subprocess
import sys

import pytest

from octavo.threads import settle_threads, usable_cores


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
    code = f"import os, octavo; {use}; print(*map(os.environ.get, {policy}))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == kept


@pytest.mark.parametrize(("shares", "cores"), [([], 8), ([3], 3), ([16], 8), ([4, 2], 2)])
def test_a_containers_share_of_processors_counts(
    shares: list[int], cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.threads.processor_shares", lambda: shares)
    monkeypatch.setattr("octavo.threads._cores", lambda: 8)
    assert usable_cores() == cores
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    settle_threads()
    assert os.environ.pop("OMP_NUM_THREADS", "8") == str(cores)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == "5", "what the person has set stays"
