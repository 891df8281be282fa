"""A model's weights as the kernels of :mod:`octavo.native` read them: fp32, padded with zeros to whole vectors.

I inputs, O outputs, V vocabulary, H heads, K d_head.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import nn

from octavo.model import Transformer
from octavo.model.block import Block, PreNorm
from octavo.model.feedforward import SwiGLU
from octavo.model.positions import Table
from octavo.native import decoding as native
from octavo.native.decoding import PANEL, whole
from octavo.native.library import library
from octavo.threads import one_thread

_LARGEST_TABLE = 2**20  # numbers; a larger one would push the weights out of the processor's caches


class _Known(NamedTuple):
    shape: tuple[int, bool]
    numbers: torch.Tensor  # the weights that were packed
    packed: "Packed"


_packed: WeakKeyDictionary[Transformer, _Known] = WeakKeyDictionary()


def packed(model: Transformer, context_length: int, *, with_start: bool) -> "Packed | None":
    """The model's weights for windows of `context_length` positions, of which the start token may take the first;
    None where there are no kernels, or not for this model. They are packed once, and again when they have changed.
    """
    weights = list(model.parameters())
    table = model.positions.rows if isinstance(model.positions, Table) else None
    if library() is None or not all(w.is_cpu and w.dtype == torch.float32 for w in weights):
        return None
    if table is not None and len(table) < context_length:
        return None
    with torch.no_grad():
        # Compared by what they are: not everything that moves weights, such as a fused optimizer, counts versions.
        numbers = torch.cat([weight.flatten() for weight in weights])
        known = _packed.get(model)
        if known is None or known.shape != (context_length, with_start) or not torch.equal(known.numbers, numbers):
            with one_thread():
                made = Packed(model, context_length, with_start=with_start)
            known = _packed[model] = _Known((context_length, with_start), numbers, made)
    return known.packed


class Packed:
    """The weights, with all that the struct of the kernels points to."""

    def __init__(self, model: Transformer, context_length: int, *, with_start: bool) -> None:
        config = model.config
        k, kv_heads = config.head_width, config.key_value_heads
        self._kept: list[torch.Tensor] = []
        self._blocks = (native.Block * config.n_layers)()
        for index, block in enumerate(_blocks(model)):
            self._blocks[index] = self._block(block, k)
        self.struct = native.Transformer(
            n_layers=config.n_layers,
            d_model=config.d_model,
            width=whole(config.d_model),
            n_heads=config.n_heads,
            n_kv_heads=kv_heads,
            d_head=k,
            head=whole(k),
            d_ff=config.d_ff,
            hidden=whole(config.d_ff),
            vocab=model.vocab_size,
            odds=whole(model.vocab_size),
            context=context_length,
            first=with_start,
            norm=native.NORMS[config.norm],
            post_norm=config.norm_order == "post",
            residual=config.residual,
            feedforward=native.FEEDFORWARDS[config.feedforward],
            epsilon=config.norm_epsilon,
            embedding=self._keep(_padded(model.embedding.weight)),
            final_norm=self._norm(model.final_norm),
            unembedding=self._linear([model.unembedding]),
            blocks=self._blocks,
        )
        positions = model.positions
        if isinstance(positions, Table):
            self.struct.positions = self._keep(_padded(positions.rows[:context_length]))
        elif model.vocab_size * self._blocks[0].qkv.outputs <= _LARGEST_TABLE:
            self.struct.first_qkv = self._keep(_first_qkv(model, k))
        if (table := positions.rotation(0, context_length, torch.device("cpu")).table) is not None:
            self.struct.cosines, self.struct.sines = map(self._keep, table)
        # One stream's keys and values.
        self.cache_numbers = config.n_layers * kv_heads * whole(context_length) * (k + whole(k))
        self.products = sum(p.numel() for p in model.parameters())  # of a token, about

    def _block(self, block: Block, k: int) -> native.Block:
        attention, feedforward = block.attention, block.feedforward
        gate = [feedforward.gate] if isinstance(feedforward, SwiGLU) else []
        return native.Block(
            attention_norm=self._norm(block.attention_norm),
            feedforward_norm=self._norm(block.feedforward_norm),
            q_norm=self._norm(attention.q_norm).weight,
            k_norm=self._norm(attention.k_norm).weight,
            qkv=self._linear([attention.q, attention.k, attention.v], output_heads=k),
            output=self._linear([attention.output], input_heads=k),
            up=self._linear([*gate, feedforward.up]),
            down=self._linear([feedforward.down]),
        )

    def _norm(self, norm: nn.Module) -> native.Norm:
        vectors = dict(norm.named_parameters())
        return native.Norm(**{name: self._keep(_padded(vector)) for name, vector in vectors.items()})

    def _linear(self, parts: Sequence[nn.Linear], *, input_heads: int = 0, output_heads: int = 0) -> native.Linear:
        """The matrices of `parts` one below the other, as one; rows or columns that belong to heads of a width are
        padded head by head."""
        rows = torch.cat([_padded(part.weight.T, output_heads) for part in parts], dim=-1).T  # (O, I)
        if input_heads:
            rows = _padded(rows, input_heads)
        panels = torch.cat([panel.T.flatten() for panel in torch.split(rows, PANEL)])
        made = native.Linear(inputs=rows.shape[1], outputs=len(rows), weight=self._keep(panels))
        biases = [part.bias for part in parts if part.bias is not None]
        if biases:
            made.bias = self._keep(torch.cat([_padded(bias, output_heads) for bias in biases]))
        return made

    def _keep(self, tensor: torch.Tensor) -> int:
        self._kept.append(tensor.detach().contiguous())
        return self._kept[-1].data_ptr()


def _first_qkv(model: Transformer, k: int) -> torch.Tensor:
    """What the first block's projections make of every token, where they do not see its position: (V, O)."""
    block = next(iter(_blocks(model)))
    x = model.embedding.weight
    if isinstance(block, PreNorm):
        x = block.attention_norm(x)
    attention = block.attention
    return torch.cat([_padded(part(x), k) for part in (attention.q, attention.k, attention.v)], dim=-1)


def _padded(x: torch.Tensor, width: int = 0) -> torch.Tensor:
    """The last dimension, or each `width` of it, padded to whole vectors."""
    width = width or x.shape[-1]
    heads = x.reshape(*x.shape[:-1], -1, width)
    return F.pad(heads, (0, whole(width) - width)).flatten(-2)


def _blocks(model: Transformer) -> Iterable[Block]:
    return cast(Iterable[Block], model.blocks)
