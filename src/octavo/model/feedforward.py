"""The feed-forward layer of a block: each position on its own. B batch, T position, D d_model, F d_ff."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import nn

from octavo.config import ModelConfig
from octavo.kernels import activation
from octavo.model.dropout import DropoutFn, apply_mask
from octavo.model.layers import Linear, fused_linear
from octavo.model.taps import Tap, tapped


class FeedForward(nn.Module, ABC):
    """Widen to d_ff, bend, and come back; how it bends is what the kinds differ in."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down = Linear(config.d_ff, config.d_model, bias=config.bias)
        self.hidden_dropout = config.hidden_dropout

    @abstractmethod
    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, D) -> (B, T, F), times a mask of that shape."""

    def forward(self, x: torch.Tensor, drop: DropoutFn, *, tap: Tap | None = None) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        mask = drop((*x.shape[:-1], self.up.out_features), self.hidden_dropout)
        hidden = self.hidden(x, mask if tap is None else None)
        if tap is not None:
            hidden = apply_mask(tapped(tap, "hidden", hidden), mask)
        return tapped(tap, "output", self.down(hidden))


class ReLU(FeedForward):
    """max(0, up x), as in the first Transformer."""

    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        up = self.up(x)
        return activation.relu(up, mask) if activation.supports(up, gated=False) else apply_mask(F.relu(up), mask)


class GELU(FeedForward):
    """gelu(up x) (Hendrycks & Gimpel, 2016)."""

    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return apply_mask(F.gelu(self.up(x)), mask)


class SwiGLU(FeedForward):
    """silu(gate x) · up x (Shazeer, 2020): a third matrix, so d_ff is usually two thirds as wide."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.gate = Linear(config.d_model, config.d_ff, bias=config.bias)

    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        joined = fused_linear(x, self.gate, self.up)
        if activation.supports(joined, gated=True):
            return activation.swiglu(joined, mask)
        gate, up = joined.chunk(2, dim=-1)
        return apply_mask(F.silu(gate) * up, mask)


FEEDFORWARD: dict[str, type[FeedForward]] = {"relu": ReLU, "gelu": GELU, "swiglu": SwiGLU}
