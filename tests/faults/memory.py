"""Compare the forecast of memory with the peak of real runs of a few steps."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

WITHIN = 0.25  # of the measured peak
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "pocket": {},
    "a window a batch": {"data.batch_size": 1},
    "256 windows": {"data.batch_size": 256},
    "context 512": {"data.context_length": 512, "data.batch_size": 32},
    "wide, bf16": {"model.d_model": 384, "model.d_ff": 1200, "model.n_heads": 6, "train.precision": "bf16"},
    "AdamW, average, early stopping": {
        "optimizer.kind": "adamw",
        "train.average": 0.99,
        "train.patience": 9,
        "model.d_model": 512,
        "model.n_layers": 4,
        "data.batch_size": 16,
    },
}


def forecast_and_measured(name: str, text: Path, runs: Path) -> tuple[int, int]:
    """Return the bytes of two steps of a configuration: the forecast, and the peak of the run's process."""
    settings = {"train.precision": "fp32", "train.sample_every": 0} | CONFIGURATIONS[name]
    command = [sys.executable, "-c", _BRIEF, str(text), str(runs), json.dumps(settings)]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "2"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    run = runs / text.stem
    end = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    forecast = json.loads((run / "provenance.json").read_text())["forecast"]["memory_bytes"]
    return int(forecast), int(end["peak_memory_bytes"])


_BRIEF = """
import json, sys
import octavo.training.forecast
from octavo.pipeline.train import train
octavo.training.forecast._PROBE_SECONDS = 0.0  # no time forecast
train(sys.argv[1], runs=sys.argv[2], overrides=json.loads(sys.argv[3]), steps=2, progress=False, brief=True)
"""
