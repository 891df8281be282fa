"""octavo doctor: one screen, the same for a machine, and an exit code."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run
from octavo.system.requirements import pip_install, requirements

Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_well_machine_on_one_screen(
    trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OCTAVO_CACHE", "/cache")
    monkeypatch.chdir(trained.path.parent)
    assert main(["doctor", "--runs", "."]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    text = "\n".join(lines)
    long = [line for line in lines if len(line) > 80 and " " in line[11:].strip()]
    assert not long, "only a path may be wider than the screen"
    for said in ("octavo 0.", "torch 2", "GFLOP/s in fp32", "OMP_NUM_THREADS=1", "(1 run, writable, ", "No problems"):
        assert said in text


def test_problems_come_last_and_are_the_exit_code(tmp_path: Path, octavo_process: Octavo) -> None:
    """Nothing that Octavo needs can be loaded: then above all the doctor has to work."""
    names = [one.name for one in requirements() if not one.extra]
    for name in names:
        (tmp_path / f"{name.replace('-', '_')}.py").write_text("raise ImportError('libgomp.so.1: cannot open')")
    (tmp_path / "file").write_text("no folder")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = octavo_process("doctor", "--runs", tmp_path / "file", env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stderr) == (1, "")
    above, _, problems = done.stdout.partition("\nProblems:\n")
    assert (
        " ".join(problems.split())
        == " ".join(
            f"- {name} cannot be loaded (ImportError: libgomp.so.1: cannot open): "
            f"{pip_install('--force-reinstall', name)}"
            for name in names
        )
        + f" - {tmp_path / 'file'} cannot be written to (Not a directory): name another folder of runs"
    )
    assert "precision  unknown: torch does not work" in above
