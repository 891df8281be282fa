"""Threads that wait sleep, and there are no more than a container lets run, unless the person wants otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.threads import settle_threads, usable_cores

# Says what the policy is at the moment at which torch is about to be loaded, or else at the end.
AT_TORCH = """
import os, sys
import octavo
class Watch:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            print(*map(os.environ.get, POLICY), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Watch)
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


@pytest.mark.parametrize(
    ("told", "cores"),
    [
        (["max 100000"], 8),
        (["300000 100000"], 3),
        (["150000 100000"], 2),
        (["20000 100000"], 1),
        (["1600000 100000"], 8),
        (["-1", "100000"], 8),
        (["400000", "100000"], 4),
        (["nonsense"], 8),
        ([""], 8),
    ],
)
def test_a_containers_share_of_processors_counts(
    told: list[str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / str(number) for number in range(len(told))]
    for place, text in zip(places, told, strict=True):
        place.write_text(text + "\n")
    monkeypatch.setattr("octavo.threads._QUOTAS", (tuple(map(str, places)), (str(tmp_path / "nowhere"),)))
    monkeypatch.setattr("octavo.threads._cores", lambda: 8)
    assert usable_cores() == cores
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    settle_threads()
    assert os.environ.pop("OMP_NUM_THREADS", "8") == str(cores)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == "5", "what the person has set stays"
