"""The costs of training a run: time, speed, memory and MFU (model FLOPs utilisation)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from octavo.errors import OctavoError
from octavo.model import Transformer
from octavo.reports.blocks import Unavailable
from octavo.runs import Record
from octavo.runs.provenance import machine_facts
from octavo.training.flops import Utilisation, model_flops_utilisation
from octavo.training.precision import Precision


@dataclass(frozen=True)
class Costs:
    """The costs of training alone. Rates are of its steps, without validation passes and checkpoints."""

    seconds: float  # with validation passes and checkpoints, over all sessions
    sessions: int
    steps: int
    epochs: float
    tokens: int
    steps_per_second: float
    tokens_per_second: float
    step_fraction: float  # of the time
    peak_memory_bytes: int  # of the process; 0: unknown
    precision: str
    machine: dict[str, Any]  # processor, cores, threads, system of the last session
    utilisation: Utilisation | Unavailable


def read_costs(
    metrics: Sequence[Record], provenance: dict[str, Any], model: Transformer | None, context_length: int
) -> Costs:
    """Return the costs that the metrics and the provenance of a run tell.

    Args:
        metrics: the lines of ``metrics.jsonl``.
        provenance: the contents of ``provenance.json``.
        model: the model whose MFU is computed, for which this machine is measured for half a second; None: no MFU.
        context_length: tokens of a training window.

    Raises:
        OctavoError: there is no line of metrics yet.
        LookupError, TypeError: the metrics or the provenance lack an entry that every run has.
    """
    lines = [record for record in metrics if record["event"] == "step"]
    if not lines:
        raise OctavoError("there is no line of metrics yet, so the costs are unknown: train the run longer")
    counts = [line["step"] - before for line, before in zip(lines, [0, *(b["step"] for b in lines)], strict=False)]
    step_seconds = sum(count / line["steps_per_second"] for count, line in zip(counts, lines, strict=True))
    tokens = sum(
        count * line["tokens_per_second"] / line["steps_per_second"]
        for count, line in zip(counts, lines, strict=True)
    )
    last, sessions = metrics[-1], provenance["sittings"]
    precision = Precision(**provenance["precision"])
    machine = {name: sessions[-1][name] for name in ("processor", "cores", "threads", "system")}
    ends = [record for record in metrics if record["event"] == "end"]
    return Costs(
        seconds=last["seconds"],
        sessions=len(sessions),
        steps=last["step"],
        epochs=last["epoch"],
        tokens=round(tokens),
        steps_per_second=lines[-1]["step"] / step_seconds,
        tokens_per_second=tokens / step_seconds,
        step_fraction=min(1.0, step_seconds / last["seconds"]),
        peak_memory_bytes=ends[-1]["peak_memory_bytes"] if ends else 0,
        precision=precision.name,
        machine=machine,
        utilisation=Unavailable("Not measured.")
        if model is None
        else _utilisation(machine, model, context_length, tokens / step_seconds, precision.dtype),
    )


def _utilisation(
    machine: dict[str, Any], model: Transformer, context_length: int, tokens_per_second: float, dtype: torch.dtype
) -> Utilisation | Unavailable:
    here = machine_facts()
    if (here["processor"], here["cores"]) != (machine["processor"], machine["cores"]):
        return Unavailable("The run was trained on another machine, whose throughput is unknown.")
    return model_flops_utilisation(model, context_length, tokens_per_second, dtype, machine["threads"])
