"""Dropout without a global random generator: masks are a pure function of (seed, step).

A model is deterministic unless a :data:`DropoutFn` is passed to its forward pass; it has no train or eval mode. A
resumed run drops the same elements as an uninterrupted one, and no generator state needs to be saved.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

# (shape, rate) -> the mask that activations of that shape are multiplied by; None: nothing is dropped
DropoutFn = Callable[[Sequence[int], float], torch.Tensor | None]

_LEVELS = 2**16  # 16 random bits decide an element, so rates are exact to 1/65536
_POOL_SALT = 0x706F6F6C  # "pool": separates these draws from other uses of the same seed
_MIN_OFFSETS = 2**22  # places at which a mask can begin in its pool


def no_dropout(shape: Sequence[int], rate: float) -> None:
    """Drop nothing, as in every forward pass outside training."""


def apply_mask(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return `x` times `mask`, or `x` itself if there is no mask."""
    return x if mask is None else x * mask


class DropoutMasks:
    """Inverted dropout (Srivastava et al., 2014) with masks from precomputed pools.

    To draw each mask would take a third of a small model's training step on a CPU. Instead, one long mask is drawn
    for each rate, and each use takes a slice of it at a random offset.

    Example:
        >>> drop = DropoutMasks(seed=0, rates=[0.5], largest=2 * 5).masks_for_step(17)
        >>> drop((2, 5), 0.5).unique()
        tensor([0., 2.])
    """

    def __init__(self, seed: int, rates: Iterable[float], largest: int, dtype: torch.dtype = torch.float32) -> None:
        """Draw a pool for each of `rates`, for tensors of up to `largest` elements of `dtype`."""
        self._seed, self._offsets = seed, max(largest, _MIN_OFFSETS)
        self._pools = {rate: _pool(seed, rate, self._offsets + largest, dtype) for rate in set(rates) if rate > 0}

    def masks_for_step(self, step: int) -> DropoutFn:
        """Return the dropout of one training step's forward pass."""
        random = np.random.Generator(np.random.SFC64([self._seed, step]))

        def drop(shape: Sequence[int], rate: float) -> torch.Tensor | None:
            if rate == 0.0:
                return None
            begin = int(random.integers(self._offsets))
            return self._pools[rate][begin : begin + math.prod(shape)].view(*shape)

        return drop


def _pool(seed: int, rate: float, length: int, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask (length) of zeros, with probability `rate`, and of the scale that keeps the mean.

    bf16 rounds the scale. The probability of zero is adjusted to the rounded scale, so that the mean stays exact.
    """
    dropped_levels = round(rate * _LEVELS)
    bits = np.random.SFC64([_POOL_SALT, seed, dropped_levels]).random_raw(-(-length // 4)).view(np.uint16)[:length]
    scale = torch.tensor(_LEVELS / (_LEVELS - dropped_levels)).to(dtype).item()
    mask = np.where(bits < _LEVELS - round(_LEVELS / scale), 0.0, scale).astype(np.float32)
    return torch.from_numpy(mask).to(dtype)
