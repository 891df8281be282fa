"""Threads that wait sleep, unless the person wants otherwise."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("asked", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
@pytest.mark.parametrize("use", ["octavo.load", "from octavo.cli.main import main; main(['presets'])"])
def test_the_policy_is_set_before_torch_is_loaded(asked: str | None, kept: str, use: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {} if asked is None else {"OMP_WAIT_POLICY": asked}
    code = f"import os, octavo; {use}; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == kept
