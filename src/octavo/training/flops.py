"""Model FLOPs utilisation (MFU): the arithmetic a model needs as a fraction of the measured matmul throughput.

The arithmetic is counted as in Chowdhery et al. (2022, appendix B): every weight that is multiplied, in forward and
backward pass, and the pairs of positions in attention. Embedding lookups (which multiply nothing), pairs that the
causal mask hides, norms, softmax, dropout and the optimizer are not counted. The peak throughput is measured, not
taken from the specification of the CPU.
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

_MATRIX_SIZE = 1024  # rows and columns: large enough for the full throughput, small enough for many tries
_SECONDS = 0.5
_MIN_TRIES = 3
# The CPU time of the thread; Windows counts that in ticks of 16 ms, which is too coarse.
_clock = time.perf_counter if sys.platform == "win32" else time.thread_time


@dataclass(frozen=True)
class Utilisation:
    """The utilisation of a training run. FLOPs are single multiplications or additions."""

    flops_per_token: float  # of a training step, averaged over the positions of a window
    flops_per_second: float  # of training
    matmul_rate: float  # FLOP/s of matrix products in the same precision on as many threads

    @property
    def mfu(self) -> float:
        """Return the model FLOPs utilisation, 0 to 1."""
        return self.flops_per_second / self.matmul_rate


def model_flops_utilisation(
    model: Transformer, context_length: int, tokens_per_second: float, dtype: torch.dtype, threads: int
) -> Utilisation:
    """Measure this machine's matmul throughput for half a second; return the utilisation of a training on it.

    Args:
        model: the model.
        context_length: positions of a window.
        tokens_per_second: the throughput of its training.
        dtype: the data type of its training.
        threads: the threads of its training.
    """
    per_token = 3 * forward_flops(model, context_length)  # the backward pass has two products for each one
    return Utilisation(per_token, per_token * tokens_per_second, matmul_rate(dtype, threads))


def forward_flops(model: Transformer, context_length: int) -> float:
    """Return the FLOPs of a forward pass per token, averaged over a window of `context_length`."""
    config = model.config
    weights = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
    keys = (context_length + 1) / 2  # positions that a position attends to, on average
    pairs = 2 * config.n_layers * config.n_heads * config.head_width * keys  # for scores and weighted values
    return 2 * (weights + pairs)


def matmul_rate(dtype: torch.dtype, threads: int) -> float:
    """Return the FLOP/s of square matrix products, computed as the model computes its own, on `threads` threads.

    Each thread computes its own products, and its fastest try counts. Time that other processes use is not counted;
    time that the threads cost each other (a shared core, a lower clock rate) is.
    """
    rates: list[float] = []
    run_in_threads([partial(_multiply, dtype, rates)] * threads)
    return sum(rates)


@torch.inference_mode()
def _multiply(dtype: torch.dtype, rates: list[float]) -> None:
    """Append the FLOP/s of this thread to `rates`."""
    product = Linear(_MATRIX_SIZE, _MATRIX_SIZE, bias=False).to(dtype)
    x = torch.ones(_MATRIX_SIZE, _MATRIX_SIZE, dtype=dtype)
    times: list[float] = []
    while len(times) < _MIN_TRIES or sum(times) < _SECONDS:
        began = _clock()
        product(x)
        times.append(_clock() - began)
    rates.append(2 * _MATRIX_SIZE**3 / min(times))
