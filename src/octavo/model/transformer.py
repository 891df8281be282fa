"""The decoder-only Transformer: token ids in, logits out.

The config chooses the kinds of its parts once, in the constructors; the forward pass has no branches on names.

B batch, T position, D d_model, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

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
    """A decoder-only Transformer, described by its config and the size of its vocabulary.

    It has no train or eval mode and keeps nothing of a forward pass: cache, tap and dropout are arguments. The
    initial weights are a function of `seed`.

    Example:
        >>> from octavo.config import load_preset
        >>> model = Transformer(load_preset("pocket").model, vocab_size=512, seed=0)
        >>> model(torch.zeros(1, 10, dtype=torch.int64)).shape
        torch.Size([1, 10, 512])
    """

    def __init__(self, config: ModelConfig, vocab_size: int, seed: int = 0) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        with torch.random.fork_rng(devices=[]):  # torch.nn draws initial weights, which are overwritten below
            self.embedding = Embedding(vocab_size, config.d_model)
            self.positions = make_positions(config)
            self.blocks = nn.ModuleList(BLOCK[config.norm_order](config) for _ in range(config.n_layers))
            self.final_norm = make_norm(config)
            self.unembedding = Linear(config.d_model, vocab_size, bias=config.bias)
        if config.tied_embeddings:
            self.unembedding.weight = self.embedding.weight
        initialise(self, config, seed)

    def forward(
        self,
        input_ids: torch.Tensor,
        *,
        cache: KeyValueCache | None = None,
        tap: Tap | None = None,
        drop: DropoutFn = no_dropout,
    ) -> torch.Tensor:
        """Return the logits (B, T, V) of the token after each of `input_ids`.

        Args:
            input_ids: token ids, (B, T).
            cache: keys and values of the tokens before `input_ids`, to which those of `input_ids` are appended.
            tap: is called at every site of :mod:`octavo.model.taps`, and may change the activations.
            drop: dropout, for training only.

        Raises:
            ValueError: the cache, or a table of positions, is too short for so many tokens.
        """
        start = 0 if cache is None else cache.length
        x = self.positions.add_positions(self.embedding(input_ids), start)
        x = apply_mask(tapped(tap, "embedding", x), drop(x.shape, self.config.dropout))
        rope = self.positions.rotary_at(start, input_ids.shape[-1], input_ids.device)
        for index, block in enumerate(self.blocks):
            layer_cache = None if cache is None else cache.layer(index)
            x = block(x, rope, drop, cache=layer_cache, tap=within(tap, f"blocks.{index}"))
        if cache is not None:
            cache.advance(input_ids.shape[-1])
        x = tapped(tap, "final_norm", self.final_norm(x))
        return tapped(tap, "logits", self.unembedding(x))

    def n_parameters(self) -> int:
        """Return the number of trainable parameters; tied matrices count once."""
        return sum(p.numel() for p in self.parameters())


Layer = Callable[[torch.Tensor], torch.Tensor]


class Block(nn.Module, ABC):
    """Attention, then a feed-forward layer, each added to the residual stream.

    The subclasses differ in where the norms are.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feedforward = FEEDFORWARD[config.feedforward](config)
        self.attention_norm = make_norm(config)
        self.feedforward_norm = make_norm(config)
        self.residual, self.dropout = config.residual, config.dropout

    def forward(
        self,
        x: torch.Tensor,
        rope: RotaryEmbedding,
        drop: DropoutFn,
        *,
        cache: LayerCache | None = None,
        tap: Tap | None = None,
    ) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        attention = partial(self.attention, rope=rope, cache=cache, tap=within(tap, "attention"))
        feedforward = partial(self.feedforward, drop=drop, tap=within(tap, "feedforward"))
        x = self.apply_layer(attention, self.attention_norm, x, drop)
        return tapped(tap, "output", self.apply_layer(feedforward, self.feedforward_norm, x, drop))

    @abstractmethod
    def apply_layer(self, layer: Layer, norm: nn.Module, x: torch.Tensor, drop: DropoutFn) -> torch.Tensor:
        """Return the residual stream x (B, T, D) after a layer with its norm."""

    def add(self, x: torch.Tensor, output: torch.Tensor, drop: DropoutFn) -> torch.Tensor:
        """Return the residual stream with the output of a layer added, after dropout; without one, the output."""
        mask = drop(output.shape, self.dropout)
        if not self.residual:
            return apply_mask(output, mask)
        return x + output if mask is None else torch.addcmul(x, output, mask)


class PreNorm(Block):
    """x + f(norm(x)): the residual stream itself is never normed (as in GPT-2, Llama, Qwen3)."""

    def apply_layer(self, layer: Layer, norm: nn.Module, x: torch.Tensor, drop: DropoutFn) -> torch.Tensor:
        return self.add(x, layer(norm(x)), drop)


class PostNorm(Block):
    """norm(x + f(x)): as in the first Transformer (Vaswani et al., 2017)."""

    def apply_layer(self, layer: Layer, norm: nn.Module, x: torch.Tensor, drop: DropoutFn) -> torch.Tensor:
        normed: torch.Tensor = norm(self.add(x, layer(x), drop))
        return normed


BLOCK: dict[str, type[Block]] = {"pre": PreNorm, "post": PostNorm}
