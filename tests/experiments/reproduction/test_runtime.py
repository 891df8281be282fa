"""The runtime table's figures from a run's metrics."""

import json
from typing import Any

import pytest

from octavo.experiments.reproduction.losses import BatchLosses, Perplexities
from octavo.experiments.reproduction.runtime import measure_runtime
from octavo.pipeline.run import Run
from octavo.training.data import held_out_tokens

LOSSES = BatchLosses((5.0,) * 10, (16,) * 10)
MEASURED = Perplexities(LOSSES, 0.5, LOSSES, 100, 5.0, 5.0)


def logged(run: Run, *events: dict[str, Any]) -> Run:
    lines = [json.dumps({"epoch": 1.0, **event}) for event in events]
    (run.path / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return run


def test_epochs_with_their_validations(copied: Run) -> None:
    run = logged(
        copied,
        {"event": "step", "step": 10, "seconds": 1.0, "steps_per_second": 10.0},
        {"event": "epoch", "step": 16, "seconds": 2.0, "validation_windows": 160, "validation_seconds": 0.5},
        {"event": "step", "step": 20, "seconds": 3.0, "steps_per_second": 40.0},
        {"event": "epoch", "step": 32, "seconds": 5.0, "validation_windows": 160, "validation_seconds": 1.5},
        {"event": "end", "step": 32, "seconds": 5.0, "peak_memory_bytes": 123},
    )
    found = measure_runtime(run, MEASURED)
    assert (found.epochs_timed, found.seconds_per_epoch, found.seconds) == (2, 3.25, 6.5)
    assert found.training_steps_per_second == pytest.approx(2 / (1 / 10 + 1 / 40))
    assert found.validation_steps_per_second == pytest.approx((10 + 10) / 2)
    assert found.peak_memory_bytes == 123
    assert found.parameters == run.model.n_parameters()
    assert 0 < found.seconds_per_100_tokens_cached < 30
    assert 0 < found.seconds_per_100_tokens < 30
    assert found.trained_on["processor"] == found.measured_on["processor"]
    assert "command" not in found.trained_on, "published figures name no folders"


def test_without_an_epoch_it_is_estimated_from_the_steps(trained: Run) -> None:
    events = [e for e in trained.metrics if e["event"] == "step"]
    found = measure_runtime(trained, MEASURED)
    rate = len(events) / sum(1 / e["steps_per_second"] for e in events)
    tokens = len(trained.splits["train"].ids)
    windows = (tokens - held_out_tokens(trained.config, tokens)) // 32  # about
    assert found.epochs_timed == 0
    assert found.training_steps_per_second == pytest.approx(rate)
    assert found.seconds_per_epoch == pytest.approx(windows / 16 / rate, rel=0.02)
    assert found.validation_steps_per_second == 10 / 0.5
    assert found.seconds == trained.metrics[-1]["seconds"]


def test_the_last_epochs_validation_counts_only_where_it_was_the_end(copied: Run) -> None:
    run = logged(
        copied,
        {"event": "step", "step": 10, "seconds": 1.0, "steps_per_second": 10.0},
        {"event": "epoch", "step": 16, "seconds": 2.0, "validation_windows": 160, "validation_seconds": 0.5},
        {"event": "end", "step": 24, "seconds": 4.0},
    )
    found = measure_runtime(run, MEASURED)
    assert (found.seconds_per_epoch, found.seconds) == (2.5, 4.0), "those 4 s include it"
    assert found.peak_memory_bytes == 0, "an earlier version did not measure it"
