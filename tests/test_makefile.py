"""The set-up ends with what to type next."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["setup", "run", "test"])
@pytest.mark.parametrize("installed", [False, True])
def test_the_set_up_shows_the_first_steps_once(target: str, installed: bool, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    if installed:
        (tmp_path / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / ".venv" / "bin" / ".installed").touch()
    command = ["make", "--dry-run", target]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed.count(".venv/bin/octavo") == (target == "setup" or not installed)
    assert any("pip install" in line for line in printed) == (not installed)
