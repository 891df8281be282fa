"""The time and memory of a run's training and generation on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from octavo.config.inference import SamplingConfig
from octavo.experiments.reproduction.facts import batch_order
from octavo.experiments.reproduction.generations import generate_without_cache
from octavo.experiments.reproduction.losses import Perplexities
from octavo.experiments.reproduction.reported import TOP_K
from octavo.generate.decoding import decode
from octavo.generate.streams import ContextWindow, Request
from octavo.pipeline.run import Run
from octavo.runs.provenance import machine_facts

_TOKENS = 100
_REPEATS = 3


@dataclass(frozen=True)
class Runtime:
    """Times in seconds; rates are in batches per second. The field names are the keys in ``report.json``."""

    epochs_timed: int  # 0: seconds_per_epoch is an estimate from the training rate alone
    seconds_per_epoch: float  # including validation points and the validation at the end
    seconds: float  # of the whole training
    training_steps_per_second: float
    validation_steps_per_second: float
    parameters: int
    seconds_per_100_tokens: float  # without a cache, as in the report
    seconds_per_100_tokens_cached: float  # Octavo's own generation
    peak_memory_bytes: int  # of the training process; 0: unknown
    trained_on: dict[str, Any]  # machine
    measured_on: dict[str, Any]  # machine that generated tokens


def measure_runtime(run: Run, perplexities: Perplexities) -> Runtime:
    """Read the times of training from the run's metrics, and time the generation of a few hundred tokens."""
    metrics = run.metrics
    rates = [event["steps_per_second"] for event in metrics if event["event"] == "step"]
    epochs = [event for event in metrics if event["event"] == "epoch"]
    end = next(event for event in reversed(metrics) if event["event"] == "end")
    training = len(rates) / sum(1 / rate for rate in rates)  # each rate is of as many steps
    batch_size = run.config.data.batch_size
    validated = sum(epoch["validation_windows"] for epoch in epochs) / batch_size  # batches
    validated = validated or len(perplexities.validation.losses)
    validation_seconds = sum(epoch["validation_seconds"] for epoch in epochs) or perplexities.validation_seconds
    if epochs:
        seconds_per_epoch = (epochs[-1]["seconds"] + epochs[-1]["validation_seconds"]) / len(epochs)
    else:
        seconds_per_epoch = batch_order(run).steps_per_epoch / training
    seconds = end["seconds"]
    if epochs and epochs[-1]["step"] == end["step"]:  # that clock was read before the last validation
        seconds += epochs[-1]["validation_seconds"]
    sampling = SamplingConfig(temperature=1.0, top_k=TOP_K, max_new_tokens=_TOKENS)
    prompt = run.splits["validation"].ids[:8].tolist()
    window = ContextWindow(run.config.data.context_length, run.tokenizer.bos_id)
    cached = partial(decode, run.model, Request([prompt], window, sampling, seeds=[(0, 0)]))
    return Runtime(
        epochs_timed=len(epochs),
        seconds_per_epoch=seconds_per_epoch,
        seconds=seconds,
        training_steps_per_second=training,
        validation_steps_per_second=validated / validation_seconds,
        parameters=run.model.n_parameters(),
        seconds_per_100_tokens=_median_seconds(lambda: generate_without_cache(run, prompt, sampling)),
        seconds_per_100_tokens_cached=_median_seconds(lambda: list(cached())),
        peak_memory_bytes=end.get("peak_memory_bytes", 0),
        trained_on=_machine(run.directory.provenance["sittings"][-1]),
        measured_on=_machine(machine_facts()),
    )


def _machine(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that a reader of the figures needs; without command lines, which name folders."""
    return {name: facts[name] for name in ("processor", "cores", "threads", "system", "packages") if name in facts}


def _median_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[_REPEATS // 2]
