"""The Transformer: token ids in, logits out. Its parts are chosen once, here; running it asks no names.

B batch, T position, D d_model, V vocabulary.

One block: attention, then feed-forward, each beside a residual stream. B batch, T position, D d_model.
"""

from collections.abc import Callable

import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.model.attention import Attention
from octavo.model.dropout import DropoutFn, apply_mask, no_dropout
from octavo.model.feedforward import FEEDFORWARD
from octavo.model.init import initialise
from octavo.model.kv_cache import KeyValueCache, LayerCache
from octavo.model.layers import Embedding, Linear, make_norm
from octavo.model.positions import RotaryEmbedding, make_positions
from octavo.model.taps import Tap, tapped, within


class Transformer(nn.Module):
    """A decoder-only Transformer, described by its config and the size of a vocabulary.

    It has no mode and keeps nothing of a forward pass: the cache, the taps and the dropout are arguments.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, seed: int = 0) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        with torch.random.fork_rng(devices=[]):  # torch.nn draws weights of its own, which are written over below
            self._make_parts(config, vocab_size)
        initialise(self, config, seed)

    def _make_parts(self, config: ModelConfig, vocab_size: int) -> None:
        self.embedding = Embedding(vocab_size, config.d_model)
        self.positions = make_positions(config)
        self.blocks = nn.ModuleList(BLOCK[config.norm_order](config) for _ in range(config.n_layers))
        self.final_norm = make_norm(config)
        self.unembedding = Linear(config.d_model, vocab_size, bias=config.bias)
        if config.tied_embeddings:
            self.unembedding.weight = self.embedding.weight

    def forward(
        self,
        input_ids: torch.Tensor,
        *,
        cache: KeyValueCache | None = None,
        tap: Tap | None = None,
        drop: DropoutFn = no_dropout,
    ) -> torch.Tensor:
        """Logits (B, T, V) for the token after each of `input_ids` (B, T).

        With a `cache`, `input_ids` continue what it holds, and it is extended by them. A `tap` sees, and
        may change, every site named in :mod:`octavo.model.taps`. `drop` is dropout, for training alone.
        """
        start = 0 if cache is None else cache.length
        x = self.positions.add(self.embedding(input_ids), start)
        x = apply_mask(tapped(tap, "embedding", x), drop(x.shape, self.config.dropout))
        rotate = self.positions.rotation(start, input_ids.shape[-1], input_ids.device)
        for index, block in enumerate(self.blocks):
            layer_cache = None if cache is None else cache.layer(index)
            x = block(x, rotate, drop, cache=layer_cache, tap=within(tap, f"blocks.{index}"))
        if cache is not None:
            cache.advance(input_ids.shape[-1])
        x = tapped(tap, "final_norm", self.final_norm(x))
        return tapped(tap, "logits", self.unembedding(x))

    def n_parameters(self) -> int:
        """How many numbers training moves; tied matrices count once."""
        return sum(p.numel() for p in self.parameters())


AddResidual = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor
]  # (stream, part, mask) -> stream


def _residual(stream: torch.Tensor, part: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return stream + part if mask is None else torch.addcmul(stream, part, mask)


def _without_residual(stream: torch.Tensor, part: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return apply_mask(part, mask)


class Block(nn.Module):
    """The parts of a block; the two orders of norm run them, each (B, T, D) -> (B, T, D)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feedforward = FEEDFORWARD[config.feedforward](config)
        self.attention_norm = make_norm(config)
        self.feedforward_norm = make_norm(config)
        self.join: AddResidual = _residual if config.residual else _without_residual
        self.dropout = config.dropout


class PreNorm(Block):
    """x + f(norm(x)): the stream itself is never normed (as in GPT-2, Llama, Qwen3)."""

    def forward(
        self,
        x: torch.Tensor,
        rotate: RotaryEmbedding,
        drop: DropoutFn,
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
        rotate: RotaryEmbedding,
        drop: DropoutFn,
        *,
        cache: LayerCache | None = None,
        tap: Tap | None = None,
    ) -> torch.Tensor:
        read = self.attention(x, rotate, cache=cache, tap=within(tap, "attention"))
        x = self.attention_norm(self.join(x, read, drop(read.shape, self.dropout)))
        made = self.feedforward(x, drop, tap=within(tap, "feedforward"))
        return tapped(tap, "output", self.feedforward_norm(self.join(x, made, drop(made.shape, self.dropout))))


BLOCK: dict[str, type[Block]] = {"pre": PreNorm, "post": PostNorm}
