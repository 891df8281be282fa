"""Train runs that go wrong, follow the first command of their diagnosis, and see that the score improves.

python -m tests.evaluate.diagnosis.following
"""

import os
import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import octavo
from octavo.corpus import tiny_shakespeare

_QUICK = {"train.sample_every": 0, "train.validation_windows": 32}


@dataclass(frozen=True)
class Situation:
    """A text and settings that do not fit it."""

    name: str
    text: str
    steps: int
    settings: dict[str, Any]


def situations() -> list[Situation]:
    """Return the situations; each trains for a minute or less on two cores."""
    plays = tiny_shakespeare()
    some, lines = plays[:100_000], plays[:100_000].splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    numbers = random.Random(1)
    table = "".join(f"{numbers.randrange(10**6):06d};{numbers.randrange(10**4)}\n" for _ in range(1500))
    return [
        Situation("a text that is too small", plays[:12_000], 150, {}),
        Situation("a model that is too large", plays[:40_000], 60, {"model.d_model": 256, "model.d_ff": 1024}),
        Situation("far too long", plays[:30_000], 300, {}),
        Situation("far too short", some, 12, {}),
        Situation("a learning rate that is too high", some, 60, {"optimizer.matrix_learning_rate": 1.0}),
        Situation(
            "a learning rate that is too low",
            some,
            60,
            {"optimizer.matrix_learning_rate": 1e-5, "optimizer.learning_rate": 1e-5},
        ),
        Situation("coupled weight decay", some, 150, {"optimizer.kind": "adam", "optimizer.weight_decay": 0.1}),
        Situation("a text that repeats itself", plays[:20_000] * 4, 60, {}),
        Situation("a held-out part of another kind", plays[:90_000] + table, 60, {}),
        Situation("a vocabulary that is too large", some, 60, {"tokenizer.vocab_size": 8000}),
        Situation("shuffled lines", "".join(lines), 60, {}),
        Situation("a constant learning rate", some, 100, {"schedule.kind": "constant"}),
    ]


def follow(situation: Situation, folder: Path) -> tuple[str, str, float, float | None]:
    """Return the first finding with its command, and the bits per character before and after following it."""
    folder.mkdir()
    text = folder / "text.txt"
    text.write_text(situation.text, encoding="utf-8")
    asked: dict[str, Any] = {"steps": situation.steps, "overrides": _QUICK | situation.settings}
    run = octavo.train(text, preset="pocket", runs=folder / "runs", progress=False, brief=True, **asked)
    before = run.evaluation.bits_per_character
    named = [finding for finding in run.diagnose() if finding.command]
    if not named:
        return ", ".join(finding.kind for finding in run.diagnose()) or "no finding", "", before, None
    words = [sys.executable, "-m", *shlex.split(named[0].command), "--quiet"]
    subprocess.run(words, check=True, capture_output=True, env=os.environ | {"OCTAVO_RUNS": str(folder / "runs")})
    after = octavo.load("text" if "--resume" in words else "text-2", runs=folder / "runs")
    return named[0].kind, named[0].command, before, after.evaluation.bits_per_character


def figures() -> Iterator[str]:
    """Yield a line for each situation."""
    with tempfile.TemporaryDirectory() as folder:
        for number, situation in enumerate(situations()):
            kind, command, before, after = follow(situation, Path(folder) / str(number))
            if after is None:
                yield f"{situation.name}: {before:.3f} bits; {kind}; no command"
                continue
            verdict = "" if after < before else "FAILED: "
            yield f"{verdict}{situation.name}: {before:.3f} → {after:.3f} bits; {kind}: {command}"


if __name__ == "__main__":
    for line in figures():
        print(line, flush=True)
