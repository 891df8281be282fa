"""Feed-forward layers, which transform each position separately. B batch, T position, D d_model, F d_ff."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import nn

from octavo.config import ModelConfig
from octavo.kernels import activation as kernels
from octavo.model.dropout import DropoutFn, apply_mask
from octavo.model.layers import Linear, fused_linear
from octavo.model.taps import Tap, tapped


class FeedForward(nn.Module, ABC):
    """Project to d_ff, apply an activation, and project back. Subclasses differ in the activation."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down = Linear(config.d_ff, config.d_model, bias=config.bias)
        self.hidden_dropout = config.hidden_dropout

    @abstractmethod
    def activation(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the activated projections (B, T, F) of x (B, T, D), times `mask` (B, T, F) if there is one."""

    def forward(self, x: torch.Tensor, drop: DropoutFn, *, tap: Tap | None = None) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        mask = drop((*x.shape[:-1], self.up.out_features), self.hidden_dropout)
        hidden = self.activation(x, mask if tap is None else None)
        if tap is not None:
            hidden = apply_mask(tapped(tap, "hidden", hidden), mask)
        return tapped(tap, "output", self.down(hidden))


class ReLU(FeedForward):
    """max(0, up(x)), as in the first Transformer (Vaswani et al., 2017)."""

    def activation(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        up = self.up(x)
        return kernels.relu(up, mask) if kernels.supports(up, gated=False) else apply_mask(F.relu(up), mask)


class GELU(FeedForward):
    """gelu(up(x)) (Hendrycks & Gimpel, 2016)."""

    def activation(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return apply_mask(F.gelu(self.up(x)), mask)


class SwiGLU(FeedForward):
    """silu(gate(x)) · up(x) (Shazeer, 2020). It has a third matrix, so d_ff is usually two thirds as wide."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.gate = Linear(config.d_model, config.d_ff, bias=config.bias)

    def activation(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        gate_up = fused_linear(x, self.gate, self.up)
        if kernels.supports(gate_up, gated=True):
            return kernels.swiglu(gate_up, mask)
        gate, up = gate_up.chunk(2, dim=-1)
        return apply_mask(F.silu(gate) * up, mask)


FEEDFORWARD: dict[str, type[FeedForward]] = {"relu": ReLU, "gelu": GELU, "swiglu": SwiGLU}
