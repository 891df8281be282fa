"""The share of the machine's peak that went into a model: its own arithmetic beside what matrix products reach here.

Counted is what the model needs (Chowdhery et al., 2022, appendix B, "model FLOPs utilization"): every weight that is
multiplied, forward and backward, and the pairs of positions that attention looks at. Not counted are looking up an
embedding, which multiplies nothing; pairs that the causal mask hides; norms, softmax and dropout; the optimizer.
"""

import sys
import time
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from octavo.model import Transformer
from octavo.model.layers import Linear
from octavo.system.threads import run_in_threads

_SIDE = 1024  # of the square matrices: large enough for the full rate, small enough for many tries
_SECONDS = 0.5
_FEWEST = 3  # tries
# The thread's own time; but Windows counts that in ticks of 16 ms, which a product may fall between.
_clock = time.perf_counter if sys.platform == "win32" else time.thread_time


@dataclass(frozen=True)
class Utilisation:
    """FLOPs are single multiplications or additions; rates are of a second."""

    flops_per_token: float  # of training, on average over the positions of a window
    flops_per_second: float  # that training came to
    matmul_rate: float  # that matrix products of the same precision reach on as many threads

    @property
    def mfu(self) -> float:
        """How much of what products reach went into the model."""
        return self.flops_per_second / self.matmul_rate


def model_flops_utilisation(
    model: Transformer, context_length: int, tokens_per_second: float, dtype: torch.dtype, threads: int
) -> Utilisation:
    """Measure this machine for half a second, and set training on so many threads beside it."""
    per_token = 3 * forward_flops(model, context_length)  # a backward pass is two products for each forward one
    return Utilisation(per_token, per_token * tokens_per_second, matmul_rate(dtype, threads))


def forward_flops(model: Transformer, context_length: int) -> float:
    """For each token of a window of `context_length` that is read at once, on average."""
    config = model.config
    weights = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
    seen = (context_length + 1) / 2  # positions that a position looks at
    pairs = 2 * config.n_layers * config.n_heads * config.head_width * seen  # for scores, and for what is read
    return 2 * (weights + pairs)


def matmul_rate(dtype: torch.dtype, threads: int) -> float:
    """FLOPs a second of square matrix products, done as the model does its own, on so many threads at once.

    Each has products of its own. Its rate is that of the fastest of some tries, by a clock that stands still while
    other work has the core; what the threads take from each other, of a core that two of them share or of the
    processor's pace, counts.
    """
    rates: list[float] = []
    run_in_threads([partial(_multiply, dtype, rates)] * threads)
    return sum(rates)


@torch.inference_mode()
def _multiply(dtype: torch.dtype, rates: list[float]) -> None:
    """Add to `rates` what this thread reaches."""
    product = Linear(_SIDE, _SIDE, bias=False).to(dtype)
    x = torch.ones(_SIDE, _SIDE, dtype=dtype)
    times: list[float] = []
    while len(times) < _FEWEST or sum(times) < _SECONDS:
        began = _clock()
        product(x)
        times.append(_clock() - began)
    rates.append(2 * _SIDE**3 / min(times))
