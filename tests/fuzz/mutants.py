"""Mutants of a small trained run, read by Octavo's commands: ``python -m tests.fuzz.mutants --count 5000 --seed 1``.

Each must be loaded with the meaning that the run has, or refused with one sentence and exit code 2; none may hang,
crash, run code or take more than 2 GiB. Mutant i of a seed is always the same: ``--first i --count 1``.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WAIT = 90.0  # seconds without output of the worker, which times out its commands unless they hang in native code


@dataclass
class Figures:
    """Counts of the outcomes of mutants."""

    mutants: int = 0
    refused: int = 0  # by a command that uses the run
    noticed: int = 0  # by octavo verify alone: the others do not read the change, or cannot detect it
    unchanged: int = 0  # every command had the output of the original run
    seconds: float = 0.0
    growth: int = 0  # peak memory in bytes, beyond that of the original run
    by_file: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the counts as text."""
        other = self.mutants - self.refused - self.noticed - self.unchanged
        return [
            f"{self.mutants} mutants in {self.seconds:.1f} s: {self.refused} refused, {self.noticed} noticed by "
            f"verify alone, {self.unchanged} loaded unchanged, {other} with other content that is well formed",
            f"peak memory: {self.growth / 2**20:.0f} MiB more than the whole run takes",
            ", ".join(f"{file} {count}" for file, count in sorted(self.by_file.items())),
            f"{len(self.faults)} faults",
            *self.faults,
        ]


def read_mutants(run: Path, *, count: int, seed: int, first: int = 0, slow: bool = False) -> Figures:
    """Let a worker read mutants from `first` on; if it dies, another continues after the fatal mutant."""
    figures, began, end = Figures(), time.monotonic(), first + count
    with tempfile.TemporaryDirectory() as folder:
        while first < end:
            first = _run_worker(run, folder, seed, (first, end), slow, figures)
    figures.seconds = time.monotonic() - began
    return figures


def _run_worker(run: Path, folder: str, seed: int, numbers: tuple[int, int], slow: bool, figures: Figures) -> int:
    """Run one worker; return the number of the next mutant."""
    command = [sys.executable, "-m", "tests.fuzz.worker", str(run.resolve()), folder, str(seed)]
    command += [*map(str, numbers), "slow" if slow else "quick"]
    root = Path(__file__).parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    environment.pop("OCTAVO_RUNS", None)
    at, ready = numbers[0], 0
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=root) as process,
    ):
        assert process.stdout is not None
        for line in _lines(process):
            said: dict[str, Any] = json.loads(line)
            if "ready" in said:
                ready = said["ready"]
                continue
            at = said["number"] + 1
            figures.mutants += 1
            figures.refused += said["refused"]
            figures.noticed += said["noticed"] and not said["refused"]
            figures.unchanged += said["unchanged"] and not said["refused"] and not said["noticed"]
            figures.by_file[said["file"]] += 1
            figures.growth = max(figures.growth, said["peak"] - ready)
            where = f"mutant {said['number']} of seed {seed}, {said['file']}, {said['how']}, sealed: {said['sealed']}"
            figures.faults += [f"{where}: {fault}" for fault in said["faults"]]
        process.kill()
        process.wait()
        errors.seek(0)
        tail = errors.read()[-2000:].decode(errors="replace")
        if "panicked" in tail:
            figures.faults.append(f"before mutant {at} of seed {seed} a panic was shown: {tail}")
    if at < numbers[1]:
        figures.mutants += 1
        figures.faults.append(f"mutant {at} of seed {seed} ended or stopped the process: {tail}")
        return at + 1
    return at


def _lines(process: "subprocess.Popen[bytes]") -> Any:
    """Yield the worker's lines, until it ends or times out."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(_WAIT) and (line := process.stdout.readline()):
            yield line


def trained(folder: Path) -> Path:
    from octavo.corpus import tiny_shakespeare
    from octavo.pipeline.train import train

    (folder / "play.txt").write_text(tiny_shakespeare()[:40_000])
    model = {"model.d_model": 32, "model.n_layers": 1, "model.d_ff": 64, "data.context_length": 32}
    pace = {"data.batch_size": 16, "train.precision": "fp32", "train.checkpoint_every": 40, "train.sample_every": 40}
    return train(folder / "play.txt", steps=80, overrides=model | pace, runs=folder, progress=False).path


def _main() -> int:
    parser = argparse.ArgumentParser(description="Read mutants of a small trained run.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--slow", action="store_true", help="by every command, also those that take seconds")
    parser.add_argument("--run", type=Path, help="a run (default: one that is trained for it)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = given.run or trained(Path(folder))
        figures = read_mutants(run, count=given.count, seed=given.seed, first=given.first, slow=given.slow)
    print("\n".join(figures.lines()))
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(_main())
