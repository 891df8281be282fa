"""Real training processes, faults in them, and the comparison of runs that ended in spite of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
KILLED = -signal.SIGKILL
# Values that depend on a clock, in metrics.jsonl, state.json and evaluation.json.
CLOCK = ("seconds", "validation_seconds", "steps_per_second", "tokens_per_second", "peak_memory_bytes")

# A very short run, which makes the same kinds of system calls as any other.
SETTINGS: dict[str, Any] = {
    "model.d_model": 16,
    "model.n_layers": 1,
    "model.n_heads": 2,
    "model.d_ff": 16,
    "data.context_length": 16,
    "data.batch_size": 8,
    "tokenizer.kind": "characters",
    "tokenizer.vocab_size": 300,
    "train.precision": "fp32",
    "train.log_every": 2,
    "train.validate_every": 4,
    "train.validation_windows": 4,
    "train.checkpoint_every": 4,
    "train.sample_every": 0,
    "train.average": 0.9,
    "train.patience": 100,
}
STEPS: dict[str, Any] = {"steps": 14}
EPOCHS: dict[str, Any] = {"epochs": 1.3}


@dataclass(frozen=True)
class Fault:
    """A fault at system call number `at` among the calls of `kinds` that touch the run (see faults.c)."""

    at: int
    how: int = -1
    kinds: str = "owsrmut"


HALF_A_WRITE = -2


@dataclass(frozen=True)
class Outcome:
    """The end of a process: exit code (negative: a signal), output, seconds, and number of calls."""

    code: int
    said: str
    seconds: float
    calls: int


def built_faults(folder: Path) -> Path | None:
    """Compile the library that injects faults; None where that is impossible."""
    compiler = shutil.which("cc") if sys.platform == "linux" else None
    if compiler is None:
        return None
    library = folder / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
    return library if subprocess.run(command, check=False, capture_output=True).returncode == 0 else None


class Nursery:
    """A context that starts training processes by forking."""

    def __init__(self, library: Path) -> None:
        environment = dict(os.environ) | {"LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=HERE.parents[1],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def train(
        self,
        run: Path,
        text: Path | None = None,
        *,
        fault: Fault | None = None,
        kill_after: float | None = None,
        user: int = 0,
        patches: Sequence[str] = (),
        overrides: dict[str, Any] | None = None,
        log: Path | None = None,
        **budget: Any,
    ) -> Outcome:
        """Start `run` on `text`, or resume or extend it, in a new process; `log` gets its calls (see faults.c)."""
        asked: dict[str, Any] = {"name": run.name, "runs": str(run.parent), "brief": True}
        if text is None:
            asked |= {"resume": True} | budget
        else:
            asked |= {"text": str(text), "overrides": SETTINGS | (overrides or {})} | (budget or STEPS)
        place = str(run.parent) if log else f"{run.parent}/"  # with the folder itself, or without
        fault = fault or (Fault(0) if log else None)
        job = {
            "train": asked,
            "fault": [place, fault.kinds, fault.at, fault.how] if fault else None,
            "log": str(log) if log else None,
            "kill_after": kill_after,
            "user": user,
            "patches": list(patches),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._line()))

    def begin_or_resume(self, run: Path, text: Path, **options: Any) -> Outcome:
        """Resume the run if it exists, else start it."""
        return self.train(run, None if run.exists() else text, **options)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery died"
        return line


def differences(found: Path, expected: Path) -> list[str]:
    """Return the files in which two finished runs differ, apart from clocks; none if they are equal bit for bit."""
    names = [sorted(path.name for path in (run / "checkpoints").iterdir()) for run in (found, expected)]
    if names[0] != names[1]:
        return [f"checkpoints {names[0]}, not {names[1]}"]
    different = []
    for other in sorted((expected / "checkpoints" / names[1][-1]).glob("*.safetensors")):
        own = found / "checkpoints" / names[1][-1] / other.name
        if not own.exists() or own.read_bytes() != other.read_bytes():
            different.append(other.name)
    files = (f"checkpoints/{names[1][-1]}/state.json", "evaluation.json", "metrics.jsonl", "config.toml")
    return different + [name for name in files if _comparable(found / name) != _comparable(expected / name)]


def _comparable(path: Path) -> Any:
    text = path.read_text()
    if path.suffix == ".jsonl":
        return [_without_clock(json.loads(line)) for line in text.splitlines()]
    return _without_clock(json.loads(text)) if path.suffix == ".json" else text


def _without_clock(value: Any) -> Any:
    """Return the value without clocks and without the length of the metrics, which contain clocks."""
    if isinstance(value, dict):
        return {key: _without_clock(v) for key, v in value.items() if key not in (*CLOCK, "metrics_bytes")}
    return [_without_clock(each) for each in value] if isinstance(value, list) else value
