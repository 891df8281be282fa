"""Windows of tokens: the inputs of one forward pass, with the next token at each position as its target.

Where the tokenizer has a BOS token, each window begins with it, in training, scoring and generation alike. The model
can then tell that nothing precedes the window, and the window's first real token is predicted too.

:class:`Windows` cuts one sequence of ids. :class:`EpochWindows` gives the windows of each training epoch: the same
ones each time or, with BPE-dropout, windows of a segmentation drawn for that epoch.

B windows, T context_length.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from octavo.data.token_files import Ids
from octavo.system.progress import ProgressCallback, no_progress

if TYPE_CHECKING:  # reading a run's text must not import torch
    from collections.abc import Callable, Iterator

    import torch

    from octavo.data.batch_order import Batch
    from octavo.tokenizer import BPEDropout


class Windows:
    """The windows of `context_length` targets that begin every `stride` tokens of `ids`.

    All of them can be shifted by a phase below `phases`, so that a token occurs at different positions of a window
    in different epochs. The number of windows leaves room for every phase.

    Example:
        >>> windows = Windows(np.arange(10), context_length=4, stride=2, bos_id=99)
        >>> len(windows)
        3
        >>> windows.gather(np.array([1]))
        (tensor([[99,  3,  4,  5]]), tensor([[3, 4, 5, 6]]))
    """

    def __init__(
        self, ids: Ids, context_length: int, stride: int, *, bos_id: int | None = None, phases: int = 1
    ) -> None:
        self._ids, self._stride, self.bos_id, self.phases = ids, stride, bos_id, phases
        self._offsets = np.arange(context_length + 1)
        self.context_length, self.tokens = context_length, len(ids)

    def __len__(self) -> int:
        last_start = len(self._ids) - self.context_length - self.phases
        return max(0, last_start // self._stride + 1)

    def gather(
        self, indices: npt.NDArray[np.int64], phase: int | npt.NDArray[np.int64] = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs and targets (B, T), int64, of the windows `indices` (B), each shifted by its `phase`.

        Raises:
            IndexError: a window extends past the last token.
        """
        import torch

        starts = indices * self._stride + phase
        tokens = torch.from_numpy(self._ids[starts[:, None] + self._offsets].astype(np.int64))
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        return with_bos(inputs, self.bos_id), targets

    def batches(self, indices: npt.NDArray[np.int64], size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield inputs and targets of the windows `indices`, `size` windows at a time; the last may be fewer."""
        for start in range(0, len(indices), size):
            yield self.gather(indices[start : start + size])


def with_bos(inputs: torch.Tensor, bos_id: int | None) -> torch.Tensor:
    """Return `inputs` (B, T) with the first token of each window replaced by the BOS token, if there is one."""
    if bos_id is None:
        return inputs
    inputs = inputs.clone()
    inputs[:, 0] = bos_id
    return inputs


class EpochWindows:
    """The windows that training draws batches from. Every epoch has equally many.

    `base` are the windows without BPE-dropout. `dropout` makes the BPE-dropout when it is first needed, because a
    forecast does without; it receives a progress callback.
    """

    def __init__(self, base: Windows, dropout: Callable[[ProgressCallback], BPEDropout] | None = None) -> None:
        self.base, self._make_dropout = base, dropout
        self._dropout: BPEDropout | None = None
        # A batch can span two epochs. To segment the text again at each step would take longer than the step.
        self._resampled = lru_cache(maxsize=2)(self._resample)

    def __len__(self) -> int:
        return len(self.base)

    @property
    def uses_bpe_dropout(self) -> bool:
        """Return whether epochs can have segmentations of their own."""
        return self._make_dropout is not None

    def gather(self, batch: Batch, *, resample_bpe: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs and targets (B, T) of `batch`.

        With `resample_bpe`, each window is taken from the segmentation of its epoch, if there is BPE-dropout.
        """
        if not (resample_bpe and self.uses_bpe_dropout):
            return self.base.gather(batch.indices, batch.phases)
        by_epoch = [
            self._resampled(epoch).gather(batch.indices[in_epoch], batch.phases[in_epoch])
            for epoch in np.unique(batch.epochs).tolist()
            for in_epoch in [batch.epochs == epoch]
        ]
        import torch

        inputs, targets = zip(*by_epoch, strict=True)
        return torch.cat(inputs), torch.cat(targets)

    def length_ratio(self, epoch: int) -> float:
        """Return the tokens of the text in `epoch` over those without BPE-dropout; 1 if there is none."""
        return self._resampled(epoch).tokens / self.base.tokens if self.uses_bpe_dropout else 1.0

    def precompute(self, watch: ProgressCallback = no_progress) -> None:
        """Draw the segmentations of each word now, if there is BPE-dropout. This can take some seconds.

        `watch` receives the fraction done.
        """
        if self._make_dropout is not None and self._dropout is None:
            self._dropout = self._make_dropout(watch)

    def _resample(self, epoch: int) -> Windows:
        """Return the windows of one epoch. It has more tokens, so equally many windows lie further apart."""
        self.precompute()
        assert self._dropout is not None
        ids, base = self._dropout.epoch(epoch), self.base
        last_start = len(ids) - base.context_length - base.phases
        stride = max(1, last_start // max(1, len(base) - 1))
        return Windows(ids, base.context_length, stride, bos_id=base.bos_id, phases=base.phases)
