"""Choose the precision of a training step: bf16 if the CPU is fast at it, else fp32."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from octavo.config import TrainConfig
from octavo.system.threads import one_thread

_MATRIX_SIZE = 384  # rows and columns in the probe: as in a tiny model, and a few ms in all
_TRIES = 20
_MIN_SPEEDUP = 1.3  # below, 8 bits of mantissa are not worth it


@dataclass(frozen=True)
class Precision:
    """The chosen precision and the reason, for the run's record."""

    name: str  # fp32 or bf16
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """Return the data type of forward and backward pass; weights, gradients and the optimizer stay fp32."""
        return torch.bfloat16 if self.name == "bf16" else torch.float32


def choose_precision(config: TrainConfig) -> Precision:
    """Return the precision that the config asks for; for ``auto``, time a matrix product in both."""
    if config.precision != "auto":
        return Precision(config.precision, "as asked")
    with one_thread():  # one core shows the ratio; threads that wait for a busy core would distort it
        ratio = _seconds(torch.float32) / _seconds(torch.bfloat16)
    name = "bf16" if ratio >= _MIN_SPEEDUP else "fp32"
    return Precision(name, f"a bf16 matrix product is {ratio:.1f} times as fast as fp32 on this CPU")


def _seconds(dtype: torch.dtype) -> float:
    """Return the time of one matrix product."""
    a = torch.ones(_MATRIX_SIZE, _MATRIX_SIZE, dtype=dtype)
    return fastest_seconds(lambda: torch.mm(a, a), _TRIES)


def fastest_seconds(work: Callable[[], object], tries: int) -> float:
    """Return the time of the fastest of some tries, so that other load on the machine does not count."""
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)
