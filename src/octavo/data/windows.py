"""Windows of tokens: what a model sees at once, and for each position the token that comes next.

A window begins with the tokenizer's start token where it has one, in training, scoring and generation alike: so
the model knows that nothing came before, and its first real token is predicted too. B windows, T context_length.

The windows of each epoch: the same ones, or, with BPE-dropout, those of a text that is cut anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from octavo.data.token_files import Ids
from octavo.system.progress import ProgressCallback, no_progress

if TYPE_CHECKING:  # a run's text is read without it
    import torch


from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from octavo.data.batch_order import Batch
from octavo.tokenizer import BPEDropout

if TYPE_CHECKING:
    import torch


class Windows:
    """The windows of `context_length` targets that begin every `stride` tokens of `ids`.

    All of them can be shifted by a phase below `phases`, so that epoch after epoch a token is seen at other
    places of a window; the count leaves room for any phase.
    """

    def __init__(
        self, ids: Ids, context_length: int, stride: int, *, bos_id: int | None = None, phases: int = 1
    ) -> None:
        self._ids, self._stride, self._start_id, self.phases = ids, stride, bos_id, phases
        self._within = np.arange(context_length + 1)
        self.context_length, self.tokens = context_length, len(ids)

    def __len__(self) -> int:
        room = len(self._ids) - self.context_length - self.phases
        return max(0, room // self._stride + 1)

    def gather(
        self, indices: npt.NDArray[np.int64], phase: int | npt.NDArray[np.int64] = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets (B, T), int64, of the windows `indices`, shifted by `phase`: one gather."""
        import torch

        starts = indices * self._stride + phase
        tokens = torch.from_numpy(self._ids[starts[:, None] + self._within].astype(np.int64))
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        return with_bos(inputs, self._start_id), targets


def with_bos(inputs: torch.Tensor, bos_id: int | None) -> torch.Tensor:
    """Put the start token, if there is one, in the place of the first token of each window (B, T)."""
    if bos_id is None:
        return inputs
    inputs = inputs.clone()
    inputs[:, 0] = bos_id
    return inputs


class EpochWindows:
    """The windows that training draws batches from; their number is the same in every epoch."""

    def __init__(
        self,
        ids: Ids,
        context_length: int,
        stride: int,
        *,
        bos_id: int | None = None,
        phases: int = 1,
        dropout: Callable[[ProgressCallback], BPEDropout] | None = None,
    ) -> None:
        self.plain = Windows(ids, context_length, stride, bos_id=bos_id, phases=phases)
        self._start_id, self._make_dropout = bos_id, dropout
        self._dropout: BPEDropout | None = None  # made when it is first used: a forecast does not need it
        # A batch can touch two epochs; cutting the text anew at each step would cost more than the step.
        self._recut = lru_cache(maxsize=2)(self._cut_anew)

    def __len__(self) -> int:
        return len(self.plain)

    @property
    def uses_bpe_dropout(self) -> bool:
        """Whether there is BPE-dropout."""
        return self._make_dropout is not None

    def gather(self, batch: Batch, *, recut: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets (B, T) of a batch; `recut`: of its epoch's own cutting, if there is BPE-dropout."""
        if not (recut and self.uses_bpe_dropout):
            return self.plain.gather(batch.indices, batch.phases)
        pieces = [
            self._recut(epoch).gather(batch.indices[here], batch.phases[here])
            for epoch in np.unique(batch.epochs).tolist()
            for here in [batch.epochs == epoch]
        ]
        import torch

        inputs, targets = zip(*pieces, strict=True)
        return torch.cat(inputs), torch.cat(targets)

    def length_ratio(self, epoch: int) -> float:
        """How many times as many tokens BPE-dropout makes of the text in `epoch`; 1 without it."""
        return self._recut(epoch).tokens / self.plain.tokens if self.uses_bpe_dropout else 1.0

    def precompute(self, watch: ProgressCallback = no_progress) -> None:
        """Cut each word in several ways now, if there is BPE-dropout: up to some seconds. `watch` is told the share
        that is done."""
        if self._make_dropout is not None and self._dropout is None:
            self._dropout = self._make_dropout(watch)

    def _cut_anew(self, epoch: int) -> Windows:
        """The epoch's tokens are more, so as many windows lie a little further apart."""
        self.precompute()
        assert self._dropout is not None
        ids, plain = self._dropout.epoch(epoch), self.plain
        room = len(ids) - plain.context_length - plain.phases
        stride = max(1, room // max(1, len(plain) - 1))
        return Windows(ids, plain.context_length, stride, bos_id=self._start_id, phases=plain.phases)
