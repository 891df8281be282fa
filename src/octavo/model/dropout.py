"""Dropout without a global generator: its masks are a pure function of (seed, step).

A model is deterministic unless a :data:`DropoutFn` is handed to its forward pass; there is no train or eval mode.
A resumed run drops what it would have dropped, with no generator state to save.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

# (shape, rate) -> what to multiply activations of that shape by; None if nothing is dropped
DropoutFn = Callable[[Sequence[int], float], torch.Tensor | None]

_LEVELS = 2**16  # 16 random bits decide an element: rates are exact to 1/65536
_POOL = 0x706F6F6C  # keeps the pools' draws apart from other uses of the same seed


def no_dropout(shape: Sequence[int], rate: float) -> None:
    """Drop nothing: what every pass but a training step uses."""


def apply_mask(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """`x` times its mask, if there is one."""
    return x if mask is None else x * mask


class DropoutMasks:
    """Inverted dropout (Srivastava et al., 2014) from a pool of ready masks.

    Drawing fresh masks takes a third of a small model's step on a CPU. Here a long stretch of mask is drawn
    once, and every use reads it from another random place.
    """

    def __init__(self, seed: int, rates: Iterable[float], largest: int, dtype: torch.dtype = torch.float32) -> None:
        """Pools for each of `rates`, for tensors of up to `largest` elements of `dtype`."""
        self._seed, self._offsets = seed, max(largest, 2**22)
        self._pools = {rate: _pool(seed, rate, self._offsets + largest, dtype) for rate in set(rates) if rate > 0}

    def masks_for_step(self, step: int) -> DropoutFn:
        """The dropout of one training step's forward pass."""
        random = np.random.Generator(np.random.SFC64([self._seed, step]))

        def drop(shape: Sequence[int], rate: float) -> torch.Tensor | None:
            if rate == 0.0:
                return None
            begin = int(random.integers(self._offsets))
            return self._pools[rate][begin : begin + math.prod(shape)].view(*shape)

        return drop


def _pool(seed: int, rate: float, length: int, dtype: torch.dtype) -> torch.Tensor:
    """Zeros with a probability of about `rate`, and otherwise what keeps the mean: bf16 rounds that, so the
    probability follows it."""
    dropped = round(rate * _LEVELS)
    bits = np.random.SFC64([_POOL, seed, dropped]).random_raw(-(-length // 4)).view(np.uint16)[:length]
    scale = torch.tensor(_LEVELS / (_LEVELS - dropped)).to(dtype).item()
    return torch.from_numpy(np.where(bits < _LEVELS - round(_LEVELS / scale), 0.0, scale).astype(np.float32)).to(
        dtype
    )
