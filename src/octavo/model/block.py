"""One block: attention, then feed-forward, each beside a residual stream. B batch, T position, D d_model."""

from collections.abc import Callable

import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.model.attention import Attention
from octavo.model.cache import LayerCache
from octavo.model.dropout import Drop, masked
from octavo.model.feedforward import FEEDFORWARD
from octavo.model.norms import make_norm
from octavo.model.positions import Rotation
from octavo.model.taps import Tap, tapped, within

Join = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]  # (stream, part, mask) -> stream


def _residual(stream: torch.Tensor, part: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return stream + part if mask is None else torch.addcmul(stream, part, mask)


def _without_residual(stream: torch.Tensor, part: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return masked(part, mask)


class Block(nn.Module):
    """The parts of a block; the two orders of norm run them, each (B, T, D) -> (B, T, D)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feedforward = FEEDFORWARD[config.feedforward](config)
        self.attention_norm = make_norm(config)
        self.feedforward_norm = make_norm(config)
        self.join: Join = _residual if config.residual else _without_residual
        self.dropout = config.dropout


class PreNorm(Block):
    """x + f(norm(x)): the stream itself is never normed (as in GPT-2, Llama, Qwen3)."""

    def forward(
        self,
        x: torch.Tensor,
        rotate: Rotation,
        drop: Drop,
        *,
        cache: LayerCache | None = None,
        tap: Tap | None = None,
    ) -> torch.Tensor:
        read = self.attention(self.attention_norm(x), rotate, cache=cache, tap=within(tap, "attention"))
        x = self.join(x, read, drop(read.shape, self.dropout))
        made = self.feedforward(self.feedforward_norm(x), drop, tap=within(tap, "feedforward"))
        return tapped(tap, "output", self.join(x, made, drop(made.shape, self.dropout)))


class PostNorm(Block):
    """norm(x + f(x)): as in the first Transformer."""

    def forward(
        self,
        x: torch.Tensor,
        rotate: Rotation,
        drop: Drop,
        *,
        cache: LayerCache | None = None,
        tap: Tap | None = None,
    ) -> torch.Tensor:
        read = self.attention(x, rotate, cache=cache, tap=within(tap, "attention"))
        x = self.attention_norm(self.join(x, read, drop(read.shape, self.dropout)))
        made = self.feedforward(x, drop, tap=within(tap, "feedforward"))
        return tapped(tap, "output", self.feedforward_norm(self.join(x, made, drop(made.shape, self.dropout))))


BLOCK: dict[str, type[Block]] = {"pre": PreNorm, "post": PostNorm}
