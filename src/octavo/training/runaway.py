"""What a step learned from when the numbers ran away, so that a person can look at it.

B windows of a batch, T context_length.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch

from octavo.data import Batch
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer
from octavo.training.step import mean_nats


@dataclass(frozen=True)
class StepTaken:
    """A step's batch: which windows, and their inputs and targets (B, T)."""

    batch: Batch
    inputs: torch.Tensor
    targets: torch.Tensor
    recut: bool  # by BPE-dropout: places are then those of the epoch's own cutting, not of ``data/train.npy``

    @torch.no_grad()
    def as_json(self, model: Transformer, tokenizer: Tokenizer, stride: int) -> list[dict[str, Any]]:
        """Each window: where it is in the training part, its text, and its loss alone by the weights as they are."""
        found, batch = [], self.batch
        places = zip(batch.indices.tolist(), batch.phases.tolist(), batch.epochs.tolist(), strict=True)
        for i, (window, phase, epoch) in enumerate(places):
            nats = mean_nats(model(self.inputs[i : i + 1]), self.targets[i : i + 1]).item()
            place = {} if self.recut else {"first_token": window * stride + phase}
            found.append(
                {"window": window, "epoch": epoch, "phase": phase, **place}
                | {"nats_per_token": nats if math.isfinite(nats) else str(nats)}
                | {"text": tokenizer.decode(self.targets[i].tolist())}
            )
        return found
