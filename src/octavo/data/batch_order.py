"""The order in which training visits windows: a pure function of (seed, step).

There is no state to save. A resumed run asks for its next step and gets the batch that it would have got.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_ORDER_SALT = 0x6F72646572  # "order": separates these draws from other uses of the same seed


class Batch(NamedTuple):
    """The windows of one step: the index, the epoch and the phase of each, all (B) and int64."""

    indices: npt.NDArray[np.int64]
    phases: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int64]


@dataclass(frozen=True)
class BatchOrder:
    """Epochs that visit each of `windows` once, in an order and at a phase drawn for that epoch.

    With `partial`, the last batch of an epoch holds the rest of it. Otherwise it is filled from the next epoch.

    Example:
        >>> BatchOrder(seed=42, windows=10, batch_size=4).batch(0).indices
        array([2, 0, 5, 6])
    """

    seed: int
    windows: int
    batch_size: int
    phases: int = 1
    partial: bool = False

    @property
    def steps_per_epoch(self) -> float:
        """Return the steps of an epoch: a whole number if its last batch may be partial."""
        return -(-self.windows // self.batch_size) if self.partial else self.windows / self.batch_size

    def batch(self, step: int) -> Batch:
        """Return the batch of `step`, counted from 0."""
        if self.partial:
            epoch, step_in_epoch = divmod(step, int(self.steps_per_epoch))
            return self._slice(epoch, step_in_epoch * self.batch_size, self.batch_size)
        epoch, start = divmod(step * self.batch_size, self.windows)
        slices, missing = [], self.batch_size
        while missing:
            slices.append(self._slice(epoch, start, missing))
            missing -= len(slices[-1].indices)
            epoch, start = epoch + 1, 0
        return Batch(*map(np.concatenate, zip(*slices, strict=True)))

    def _slice(self, epoch: int, start: int, count: int) -> Batch:
        order, phase = _epoch_order(self.seed, epoch, self.windows, self.phases)
        indices = order[start : start + count].astype(np.int64)
        return Batch(indices, np.full(len(indices), phase), np.full(len(indices), epoch))


# A batch can span two epochs. Drawing the order again at each step would take longer than the step.
@lru_cache(maxsize=2)
def _epoch_order(seed: int, epoch: int, windows: int, phases: int) -> tuple[npt.NDArray[np.integer], int]:
    """Return the order of the windows in one epoch and the epoch's phase."""
    random = np.random.Generator(np.random.PCG64([_ORDER_SALT, seed, epoch]))
    phase = int(random.integers(phases))
    dtype = np.uint32 if windows < 2**32 else np.int64
    return random.permutation(np.arange(windows, dtype=dtype)), phase
