"""What a run cost: time, speed, memory, and how much of the machine went into the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from octavo.errors import OctavoError
from octavo.model import Transformer
from octavo.reports.blocks import Unavailable
from octavo.runs import Record
from octavo.runs.provenance import machine_facts
from octavo.training import Precision
from octavo.training.flops import Utilisation, model_flops_utilisation


@dataclass(frozen=True)
class Costs:
    """Of training alone. Rates are of its steps, without looks and checkpoints between them."""

    seconds: float  # with looks and checkpoints, over all sittings
    sittings: int
    steps: int
    epochs: float
    tokens: int
    steps_per_second: float
    tokens_per_second: float
    stepping: float  # share of the time that the steps took
    peak_memory_bytes: int  # of the process; 0: unknown
    precision: str
    machine: dict[str, Any]  # processor, cores, threads, system of the last sitting
    share: Utilisation | Unavailable


def read_costs(
    metrics: Sequence[Record], provenance: dict[str, Any], model: Transformer | None, context_length: int
) -> Costs:
    """From what the run noted, and of a `model` half a second of measuring this machine, if it trained on that.

    Raises:
        OctavoError: there is no line of metrics yet.
        LookupError, TypeError: the metrics or the provenance lack what every run's have.
    """
    lines = [record for record in metrics if record["event"] == "step"]
    if not lines:
        raise OctavoError("it has not trained long enough for a line of metrics, so nothing is known of its costs")
    counts = [line["step"] - before for line, before in zip(lines, [0, *(b["step"] for b in lines)], strict=False)]
    stepping = sum(count / line["steps_per_second"] for count, line in zip(counts, lines, strict=True))
    tokens = sum(
        count * line["tokens_per_second"] / line["steps_per_second"]
        for count, line in zip(counts, lines, strict=True)
    )
    last, sittings = metrics[-1], provenance["sittings"]
    precision = Precision(**provenance["precision"])
    machine = {name: sittings[-1][name] for name in ("processor", "cores", "threads", "system")}
    ends = [record for record in metrics if record["event"] == "end"]
    return Costs(
        seconds=last["seconds"],
        sittings=len(sittings),
        steps=last["step"],
        epochs=last["epoch"],
        tokens=round(tokens),
        steps_per_second=lines[-1]["step"] / stepping,
        tokens_per_second=tokens / stepping,
        stepping=min(1.0, stepping / last["seconds"]),
        peak_memory_bytes=ends[-1]["peak_memory_bytes"] if ends else 0,
        precision=precision.name,
        machine=machine,
        share=Unavailable("Not measured.")
        if model is None
        else _share(machine, model, context_length, tokens / stepping, precision.dtype),
    )


def _share(
    machine: dict[str, Any], model: Transformer, context_length: int, tokens_per_second: float, dtype: torch.dtype
) -> Utilisation | Unavailable:
    here = machine_facts()
    if (here["processor"], here["cores"]) != (machine["processor"], machine["cores"]):
        return Unavailable("It was trained on another machine, so how much of that one's peak it used is not known.")
    return model_flops_utilisation(model, context_length, tokens_per_second, dtype, machine["threads"])
