"""How a model knows where a token stands: by something added to its embedding, or by turning q and k.

Every kind answers both questions, so that the Transformer asks them without knowing which kind it has.
T query position, K d_head, D d_model.
"""

from dataclasses import dataclass

import torch
from torch import nn

from octavo.config import ModelConfig


@dataclass(frozen=True)
class RotaryEmbedding:
    """Turns q or k (…, T, K) by their positions: the pair (x[i], x[i + K/2]) at position t by an angle, of which
    `table` holds cosine and sine (T, K/2). Without a table nothing is turned."""

    table: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(…, T, K) -> (…, T, K)."""
        if self.table is None:
            return x
        cosines, sines = self.table
        same, crossed = torch.cat((cosines, cosines), dim=-1), torch.cat((-sines, sines), dim=-1)
        left, right = x.chunk(2, dim=-1)
        return x * same.to(x.dtype) + torch.cat((right, left), dim=-1) * crossed.to(x.dtype)


class Positions(nn.Module):
    """No positions: nothing is added, nothing is turned. The other kinds change one of the two."""

    def add(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Add positions start … start+T-1 to embeddings (B, T, D)."""
        return x

    def rotation(self, start: int, length: int, device: torch.device) -> RotaryEmbedding:
        """What turns q or k (…, T, K) by positions start … start+length-1."""
        return RotaryEmbedding()


class AbsolutePositions(Positions):
    """A row for each position, added to the embedding: fixed sinusoids, or learned."""

    rows: torch.Tensor

    def add(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Add rows start … start+T-1; the table must be that long."""
        end = start + x.shape[-2]
        if end > len(self.rows):
            raise ValueError(f"position {end - 1} is past the table of {len(self.rows)} positions")
        return x + self.rows[start:end].to(x.dtype)


class Sinusoidal(AbsolutePositions):
    """Fixed sinusoids, sin on even and cos on odd columns (Vaswani et al., 2017)."""

    def __init__(self, length: int, width: int, base: float) -> None:
        super().__init__()
        rows = torch.zeros(length, width)
        angles = torch.outer(torch.arange(length).float(), _frequencies(width, base))
        rows[:, 0::2] = angles.sin()
        rows[:, 1::2] = angles.cos()[:, : width // 2]
        self.register_buffer("rows", rows, persistent=False)


class Learned(AbsolutePositions):
    """A learned row for each position (as in GPT-2)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(length, width))


class Rotary(Positions):
    """Rotary positions (Su et al., 2021) in the halves layout that Llama and Qwen3 checkpoints use."""

    def __init__(self, head_width: int, base: float) -> None:
        super().__init__()
        self.head_width, self.base = head_width, base

    def rotation(self, start: int, length: int, device: torch.device) -> RotaryEmbedding:
        """Turn the pair (x[i], x[i + K/2]) at position t by the angle t / base^(2i/K)."""
        steps = torch.arange(start, start + length, device=device, dtype=torch.float32)
        angles = torch.outer(steps, _frequencies(self.head_width, self.base).to(device))
        return RotaryEmbedding((angles.cos(), angles.sin()))


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
