"""Which windows make up which batch: a pure function of (seed, step).

There is no state to save: a resumed run asks for the next step and gets what it would have got.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_ORDER = 0x6F72646572  # keeps these draws apart from any other use of the same seed


@dataclass(frozen=True)
class Batch:
    """Windows of one step: their indices, and for each the epoch that it belongs to and that epoch's phase."""

    indices: npt.NDArray[np.int64]
    phases: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int64]


@dataclass(frozen=True)
class BatchOrder:
    """Every epoch visits each of `windows` once, in an order and at a phase of its own.

    `partial`: the last batch of an epoch is what is left; otherwise it is filled from the next epoch.
    """

    seed: int
    windows: int
    batch_size: int
    phases: int = 1
    partial: bool = False

    @property
    def steps_per_epoch(self) -> float:
        """Steps that an epoch takes; whole if its last batch may be partial."""
        return -(-self.windows // self.batch_size) if self.partial else self.windows / self.batch_size

    def batch(self, step: int) -> Batch:
        """The batch of `step`, counted from 0."""
        if self.partial:
            epoch, place = divmod(step, int(self.steps_per_epoch))
            return self._slice(epoch, place * self.batch_size, self.batch_size)
        epoch, start = divmod(step * self.batch_size, self.windows)
        slices, missing = [], self.batch_size
        while missing:
            slices.append(self._slice(epoch, start, missing))
            missing -= len(slices[-1].indices)
            epoch, start = epoch + 1, 0
        return Batch(
            np.concatenate([s.indices for s in slices]),
            np.concatenate([s.phases for s in slices]),
            np.concatenate([s.epochs for s in slices]),
        )

    def _slice(self, epoch: int, start: int, count: int) -> Batch:
        order, phase = _epoch(self.seed, epoch, self.windows, self.phases)
        indices = order[start : start + count].astype(np.int64)
        return Batch(indices, np.full(len(indices), phase), np.full(len(indices), epoch))


@lru_cache(maxsize=2)  # a batch can touch two epochs; drawing an order anew each step would cost more than a step
def _epoch(seed: int, epoch: int, windows: int, phases: int) -> tuple[npt.NDArray[np.integer], int]:
    random = np.random.Generator(np.random.PCG64([_ORDER, seed, epoch]))
    phase = int(random.integers(phases))
    kind = np.uint32 if windows < 2**32 else np.int64
    return random.permutation(np.arange(windows, dtype=kind)), phase
