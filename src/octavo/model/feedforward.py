"""The feed-forward layer of a block: each position on its own. B batch, T position, D d_model, F d_ff."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import nn

from octavo.config import ModelConfig
from octavo.model.dropout import Drop
from octavo.model.linear import Linear
from octavo.model.taps import Tap, tapped


class FeedForward(nn.Module, ABC):
    """Widen to d_ff, bend, and come back; how it bends is what the kinds differ in."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down = Linear(config.d_ff, config.d_model, bias=config.bias)
        self.hidden_dropout = config.hidden_dropout

    @abstractmethod
    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, F)."""

    def forward(self, x: torch.Tensor, drop: Drop, *, tap: Tap | None = None) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        hidden = drop(tapped(tap, "hidden", self.hidden(x)), self.hidden_dropout)
        return tapped(tap, "output", self.down(hidden))


class ReLU(FeedForward):
    """max(0, up x), as in the first Transformer."""

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.up(x))


class GELU(FeedForward):
    """gelu(up x) (Hendrycks & Gimpel, 2016)."""

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        return F.gelu(self.up(x))


class SwiGLU(FeedForward):
    """silu(gate x) · up x (Shazeer, 2020): a third matrix, so d_ff is usually two thirds as wide."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.gate = Linear(config.d_model, config.d_ff, bias=config.bias)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        opened: torch.Tensor = F.silu(self.gate(x)) * self.up(x)
        return opened


FEEDFORWARD: dict[str, type[FeedForward]] = {"relu": ReLU, "gelu": GELU, "swiglu": SwiGLU}
