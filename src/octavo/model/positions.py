"""Positions: how a model gets the order of its tokens, by vectors added to embeddings or by rotation of q and k.

Every kind has both methods, so that the Transformer need not know which kind it uses.

B batch, T query position, K d_head, D d_model.
"""

from dataclasses import dataclass

import torch
from torch import nn

from octavo.config import ModelConfig


@dataclass(frozen=True)
class RotaryEmbedding:
    """The rotation of q or k (…, T, K) by the positions of a window.

    The pair (x[i], x[i + K/2]) at position t is rotated by an angle, whose cosine and sine are in `table`, both
    (T, K/2). Without a table it is the identity.
    """

    table: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(…, T, K) -> (…, T, K)."""
        if self.table is None:
            return x
        cosines, sines = self.table
        straight, crossed = torch.cat((cosines, cosines), dim=-1), torch.cat((-sines, sines), dim=-1)
        left, right = x.chunk(2, dim=-1)
        return x * straight.to(x.dtype) + torch.cat((right, left), dim=-1) * crossed.to(x.dtype)


class Positions(nn.Module):
    """No positions. Each subclass overrides one of the two methods."""

    def add_positions(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Return embeddings x (B, T, D) with the vectors of positions start … start+T-1 added."""
        return x

    def rotary_at(self, start: int, length: int, device: torch.device) -> RotaryEmbedding:
        """Return the rotation of q and k (…, T, K) at positions start … start+length-1."""
        return RotaryEmbedding()


class AbsolutePositions(Positions):
    """A table with one vector a position (T, D), added to the embedding: fixed or learned."""

    rows: torch.Tensor

    def add_positions(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Return embeddings x (B, T, D) with rows start … start+T-1 of the table added.

        Raises:
            ValueError: the table has fewer rows.
        """
        end = start + x.shape[-2]
        if end > len(self.rows):
            raise ValueError(
                f"position {end - 1} is past the table of {len(self.rows)} positions: raise model.max_positions"
            )
        return x + self.rows[start:end].to(x.dtype)


class Sinusoidal(AbsolutePositions):
    """Fixed sinusoids: sin in even and cos in odd columns (Vaswani et al., 2017)."""

    def __init__(self, length: int, width: int, base: float) -> None:
        super().__init__()
        rows = torch.zeros(length, width)
        angles = torch.outer(torch.arange(length).float(), _frequencies(width, base))
        rows[:, 0::2] = angles.sin()
        rows[:, 1::2] = angles.cos()[:, : width // 2]
        self.register_buffer("rows", rows, persistent=False)


class Learned(AbsolutePositions):
    """A learned table (as in GPT-2)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(length, width))


class Rotary(Positions):
    """Rotary positions (Su et al., 2021) in the halves layout of Llama and Qwen3 checkpoints."""

    def __init__(self, head_width: int, base: float) -> None:
        super().__init__()
        self.head_width, self.base = head_width, base

    def rotary_at(self, start: int, length: int, device: torch.device) -> RotaryEmbedding:
        """Return the rotation of the pair (x[i], x[i + K/2]) at position t by the angle t / base^(2i/K)."""
        positions = torch.arange(start, start + length, device=device, dtype=torch.float32)
        angles = torch.outer(positions, _frequencies(self.head_width, self.base).to(device))
        return RotaryEmbedding((angles.cos(), angles.sin()))


def make_positions(config: ModelConfig) -> Positions:
    """Return the kind of positions that `config.position` names."""
    if config.position == "rotary":
        return Rotary(config.head_width, config.position_base)
    if config.position == "sinusoidal":
        return Sinusoidal(config.max_positions, config.d_model, config.position_base)
    if config.position == "learned":
        return Learned(config.max_positions, config.d_model)
    return Positions()


def _frequencies(width: int, base: float) -> torch.Tensor:
    return base ** (-torch.arange(0, width, 2).float() / width)
