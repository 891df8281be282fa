"""How a model knows where a token stands: by something added to its embedding, or by turning q and k.

Every kind answers both questions, so that the Transformer asks them without knowing which kind it has.
T query position, K d_head, D d_model.
"""

from collections.abc import Callable

import torch
from torch import nn

from octavo.config import ModelConfig

Rotate = Callable[[torch.Tensor], torch.Tensor]


class Positions(nn.Module):
    """No positions: nothing is added, nothing is turned. The other kinds change one of the two."""

    def add(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Add positions start … start+T-1 to embeddings (B, T, D)."""
        return x

    def rotation(self, start: int, length: int, device: torch.device) -> Rotate:
        """What turns q or k (…, T, K) by positions start … start+length-1."""
        return _unturned


class Table(Positions):
    """A row for each position, added to the embedding: fixed sinusoids, or learned."""

    rows: torch.Tensor

    def add(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Add rows start … start+T-1; the table must be that long."""
        end = start + x.shape[-2]
        if end > len(self.rows):
            raise ValueError(f"position {end - 1} is past the table of {len(self.rows)} positions")
        return x + self.rows[start:end].to(x.dtype)


class Sinusoidal(Table):
    """Fixed sinusoids, sin on even and cos on odd columns (Vaswani et al., 2017)."""

    def __init__(self, length: int, width: int, base: float) -> None:
        super().__init__()
        rows = torch.zeros(length, width)
        angles = torch.outer(torch.arange(length).float(), _frequencies(width, base))
        rows[:, 0::2] = angles.sin()
        rows[:, 1::2] = angles.cos()[:, : width // 2]
        self.register_buffer("rows", rows, persistent=False)


class Learned(Table):
    """A learned row for each position (as in GPT-2)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(length, width))


class Rotary(Positions):
    """Rotary positions (Su et al., 2021) in the halves layout that Llama and Qwen3 checkpoints use."""

    def __init__(self, head_width: int, base: float) -> None:
        super().__init__()
        self.head_width, self.base = head_width, base

    def rotation(self, start: int, length: int, device: torch.device) -> Rotate:
        """Turn the pair (x[i], x[i + K/2]) at position t by the angle t / base^(2i/K)."""
        steps = torch.arange(start, start + length, device=device, dtype=torch.float32)
        angles = torch.outer(steps, _frequencies(self.head_width, self.base).to(device))
        cos, sin = angles.cos(), angles.sin()
        same, crossed = torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)

        def rotate(x: torch.Tensor) -> torch.Tensor:
            left, right = x.chunk(2, dim=-1)
            return x * same.to(x.dtype) + torch.cat((right, left), dim=-1) * crossed.to(x.dtype)

        return rotate


def make_positions(config: ModelConfig) -> Positions:
    """The kind of positions that `config` names."""
    if config.position == "rotary":
        return Rotary(config.head_width, config.position_base)
    if config.position == "sinusoidal":
        return Sinusoidal(config.max_positions, config.d_model, config.position_base)
    if config.position == "learned":
        return Learned(config.max_positions, config.d_model)
    return Positions()


def _frequencies(width: int, base: float) -> torch.Tensor:
    return base ** (-torch.arange(0, width, 2).float() / width)


def _unturned(x: torch.Tensor) -> torch.Tensor:
    return x
