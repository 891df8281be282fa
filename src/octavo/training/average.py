"""A moving average of the weights: smoother than the last ones, at the price of one more copy."""

import torch
from torch import nn

from octavo.runs.checkpoint import Tensors


class WeightAverage:
    """Exponential moving average; the early steps weigh less, so that the start is soon forgotten."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.tensors: Tensors = {n: p.detach().clone() for n, p in model.named_parameters()}
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps."""
        decay = min(self._decay, (1 + step) / (10 + step))
        current = dict(model.named_parameters())
        torch._foreach_lerp_(
            list(self.tensors.values()), [current[name].detach() for name in self.tensors], 1 - decay
        )
