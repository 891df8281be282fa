"""The norms a block can have, each over the last dimension."""

import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.native import norm


class RMSNorm(nn.Module):
    """Divide by the root mean square, then scale (Zhang & Sennrich, 2019): torch.nn.RMSNorm, but on a CPU
    in bf16 twenty times as fast, forward and backward (docs/lab-notes.md)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, width)."""
        if norm.runs(x):
            return norm.rms_norm(x, self.weight, self.epsilon)
        mean_square = torch.linalg.vecdot(x, x).unsqueeze(-1) / x.shape[-1]
        return x * torch.rsqrt(mean_square + self.epsilon) * self.weight


def make_norm(config: ModelConfig) -> nn.Module:
    """The norm of `config` over d_model: RMS, layer (Ba et al., 2016) or none."""
    if config.norm == "rms":
        return RMSNorm(config.d_model, config.norm_epsilon)
    if config.norm == "layer":
        return nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=config.bias)
    return nn.Identity()


def make_head_norm(config: ModelConfig) -> nn.Module:
    """The norm of queries and keys over d_head (QK-norm, Henry et al., 2020), as in Qwen3; or none."""
    return RMSNorm(config.head_width, config.norm_epsilon) if config.qk_norm else nn.Identity()
