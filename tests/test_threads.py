"""Threads that wait sleep, unless the person wants otherwise."""

import os
import subprocess
import sys

import pytest


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
