"""Windows of tokens: what a model sees at once, and for each position the token that comes next.

A window begins with the tokenizer's start token where it has one, in training, scoring and generation alike: so
the model knows that nothing came before, and its first real token is predicted too. B windows, T context_length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from octavo.data.parts import Ids

if TYPE_CHECKING:  # a run's text is read without it
    import torch


class Windows:
    """The windows of `context_length` targets that begin every `stride` tokens of `ids`.

    All of them can be shifted by a phase below `phases`, so that epoch after epoch a token is seen at other
    places of a window; the count leaves room for any phase.
    """

    def __init__(
        self, ids: Ids, context_length: int, stride: int, *, start_id: int | None = None, phases: int = 1
    ) -> None:
        self._ids, self._stride, self._start_id, self.phases = ids, stride, start_id, phases
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
        return begun(inputs, self._start_id), targets


def begun(inputs: torch.Tensor, start_id: int | None) -> torch.Tensor:
    """Put the start token, if there is one, in the place of the first token of each window (B, T)."""
    if start_id is None:
        return inputs
    inputs = inputs.clone()
    inputs[:, 0] = start_id
    return inputs
