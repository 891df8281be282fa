"""Which numbers a training step uses: bf16 where the processor is fast at it."""

import time
from dataclasses import dataclass

import torch

from octavo.config import TrainConfig
from octavo.system.threads import one_thread

_SIDE = 384  # of the probe's square matrices: the size of a tiny model's products, a few ms in all
_TRIES = 20
_WORTH_IT = 1.3  # bf16 has 8 bits of mantissa: it has to pay


@dataclass(frozen=True)
class Precision:
    """What was chosen and why, in words for the run's record."""

    name: str  # fp32 or bf16
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """In what a step's forward and backward run; weights, gradients and the optimizer stay fp32."""
        return torch.bfloat16 if self.name == "bf16" else torch.float32


def choose_precision(config: TrainConfig) -> Precision:
    """As the config asks; for ``auto``, by timing one product in both."""
    if config.precision != "auto":
        return Precision(config.precision, "as asked")
    with one_thread():  # what one core does says it all, and threads that wait for a busy core would lie
        ratio = _seconds(torch.float32) / _seconds(torch.bfloat16)
    name = "bf16" if ratio >= _WORTH_IT else "fp32"
    return Precision(name, f"a bf16 matrix product is {ratio:.1f} times as fast as fp32 here")


def _seconds(dtype: torch.dtype) -> float:
    a = torch.ones(_SIDE, _SIDE, dtype=dtype)
    times = []
    for _ in range(_TRIES):  # the fastest of several: the probe must not depend on what else the machine does
        began = time.perf_counter()
        torch.mm(a, a)
        times.append(time.perf_counter() - began)
    return min(times)
