"""Compare the forecast of a whole command, memory and time, with real commands."""

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from octavo.corpus import tiny_shakespeare

MEMORY_WITHIN = 0.25  # of the measured peak
SMALL: dict[str, Any] = {"model.n_layers": 1, "model.d_model": 32, "model.d_ff": 64}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {  # text and settings
    "pocket": ("play", {}),
    "minute": ("play", {"preset": "minute"}),
    "reference": ("play", {"preset": "reference"}),
    "small": ("prose", SMALL),
    "256 windows": ("play", {"data.batch_size": 256}),
    "context 1,024": ("prose", {"data.context_length": 1024, "data.batch_size": 8}),
    "large vocabulary, long context, a window": (
        "long prose",
        {
            "data.context_length": 1024,
            "data.batch_size": 1,
            "tokenizer.vocab_size": 8192,
            "tokenizer.dropout": 0.0,
            "model.d_model": 64,
            "model.n_layers": 1,
        },
    ),
    "Chinese": ("chinese", {"preset": "minute"}),
    "DNA": ("dna", {}),
    "base64": ("base64", {}),
    "20 MB": ("very long prose", SMALL),
    "early stopping, averages, fp32": (
        "play",
        {"train.patience": 3, "train.average": 0.99, "train.precision": "fp32"},
    ),
    "wide": (
        "prose",
        {
            "model.d_model": 512,
            "model.n_heads": 8,
            "model.d_ff": 1536,
            "model.n_layers": 4,
            "data.context_length": 256,
            "data.batch_size": 16,
        },
    ),
}


@dataclass(frozen=True)
class Outcome:
    """The forecast and the measured needs of a command."""

    memory_forecast: int
    memory: int  # bytes, at the peak of the process
    seconds_forecast: float  # of training and the examination after it
    seconds: float  # of the same


def write_text(kind: str, place: Path) -> None:
    """Write a text of a kind, always the same one."""
    random = Random(kind)
    if kind == "play":
        text = tiny_shakespeare()
    elif kind == "chinese":
        letters, weights = [chr(0x4E00 + i) for i in range(3000)], _zipf(3000)
        runs = ("".join(random.choices(letters, cum_weights=weights, k=random.randint(4, 14))) for _ in range(60_000))
        text = "".join(run + random.choice("，。、；\n") for run in runs)
    elif kind == "dna":
        text = "".join(random.choices("ACGT", k=2_000_000))
    elif kind == "base64":
        text = base64.b64encode(random.randbytes(1_500_000)).decode()
    else:
        lines = {"prose": 2_500, "long prose": 60_000, "very long prose": 240_000}[kind]
        syllables = [c + v for c in "bcdfghjklmnprstvw" for v in "aeiou"]
        words = ["".join(random.choices(syllables, k=random.randint(1, 4))) for _ in range(20_000)]
        weights = _zipf(len(words))
        text = "".join(
            f"{' '.join(random.choices(words, cum_weights=weights, k=14)).capitalize()}.\n" for _ in range(lines)
        )
    place.write_text(text, encoding="utf-8")


def outcome(name: str, folder: Path, steps: int = 8) -> Outcome:
    """Run `octavo train` with its examination, and return its forecast and its measured needs."""
    kind, settings = COMMANDS[name]
    text, run = folder / f"{kind}.txt", folder / "runs" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    if not text.exists():
        write_text(kind, text)
    assert not run.exists()
    settings = {"train.sample_every": 0} | settings
    preset = settings.pop("preset", None)
    command = [sys.executable, "-m", "octavo", "train", str(text), "--name", "run", "--runs", str(run.parent)]
    command += ["--quiet", *(["--preset", preset] if preset else []), "--steps", str(steps)]
    command += [f"--set={name}={value}" for name, value in settings.items()]
    began = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "2"})
    _, status, used = os.wait4(process.pid, 0)
    ended = time.time()
    assert os.waitstatus_to_exitcode(status) == 0
    provenance = json.loads((run / "provenance.json").read_text())
    forecast, whole = provenance["forecast"], provenance["forecast"]["whole_command"]
    prepared = (run / "config.toml").stat().st_mtime - began
    return Outcome(
        memory_forecast=whole["memory_bytes"],
        memory=used.ru_maxrss * 1024,
        seconds_forecast=forecast["seconds"] + whole["seconds_after"],
        seconds=ended - began - prepared,
    )


def _zipf(n: int) -> list[float]:
    return list(accumulate(1 / (i + 1) for i in range(n)))
