"""Shapes and sizes of a model's tensors, from its config alone. Importing this module does not import torch."""

import math
from dataclasses import replace

from octavo.config.schema import ModelConfig

Shapes = dict[str, tuple[int, ...]]
_MAX_NUMBERS = 2**24  # in the largest tensor of a forward pass without gradients: 64 MiB in fp32
_MAX_WINDOWS = 64  # larger batches are not faster


def model_shapes(config: ModelConfig, vocab_size: int) -> Shapes:
    """Return every parameter's shape by name, as in ``octavo.model.Transformer``; tied matrices occur once."""
    d, k = config.d_model, config.head_width
    queries, keys = config.n_heads * k, config.key_value_heads * k
    shapes: Shapes = {"embedding.weight": (vocab_size, d)}
    if config.position == "learned":
        shapes["positions.rows"] = (config.max_positions, d)
    for block in (f"blocks.{index}" for index in range(config.n_layers)):
        attention, feedforward = f"{block}.attention", f"{block}.feedforward"
        shapes |= _linear(f"{attention}.q", queries, d, config)
        shapes |= _linear(f"{attention}.k", keys, d, config)
        shapes |= _linear(f"{attention}.v", keys, d, config)
        shapes |= _linear(f"{attention}.output", d, queries, config)
        if config.qk_norm:
            shapes |= {f"{attention}.{name}.weight": (k,) for name in ("q_norm", "k_norm")}
        for name in ("up", "gate")[: 1 + (config.feedforward == "swiglu")]:
            shapes |= _linear(f"{feedforward}.{name}", config.d_ff, d, config)
        shapes |= _linear(f"{feedforward}.down", d, config.d_ff, config)
        shapes |= _norm(f"{block}.attention_norm", config) | _norm(f"{block}.feedforward_norm", config)
    shapes |= _norm("final_norm", config) | _linear("unembedding", vocab_size, d, config)
    if config.tied_embeddings:
        del shapes["unembedding.weight"]
    return shapes


def parameter_count(config: ModelConfig, vocab_size: int) -> tuple[int, int]:
    """Return the number of parameters and of tensors in :func:`model_shapes`, in constant time for any number of
    layers."""
    one, two = (_count(model_shapes(replace(config, n_layers=layers), vocab_size)) for layers in (1, 2))
    more = config.n_layers - 1
    return one[0] + more * (two[0] - one[0]), one[1] + more * (two[1] - one[1])


def windows_at_once(config: ModelConfig, vocab_size: int, length: int, *, scores: bool = False) -> int:
    """Return the batch size for windows of `length` tokens where no gradient is needed.

    It bounds the memory of a forward pass for every vocabulary, context and training batch. `scores`: the attention
    scores are computed as well, as with a tap.

    Example:
        >>> windows_at_once(ModelConfig(), vocab_size=512, length=128)
        64
    """
    return max(
        1,
        min(_MAX_WINDOWS, _MAX_NUMBERS // (length * max_activation_width(config, vocab_size, length, scores=scores))),
    )


def max_activation_width(config: ModelConfig, vocab_size: int, length: int, *, scores: bool = False) -> int:
    """Return the numbers per token in the largest tensor of a forward pass."""
    qkv = (config.n_heads + 2 * config.key_value_heads) * config.head_width
    hidden = config.d_ff * (1 + (config.feedforward == "swiglu"))
    return max(vocab_size, qkv, hidden, scores * config.n_heads * length)


def _count(shapes: Shapes) -> tuple[int, int]:
    return sum(map(math.prod, shapes.values())), len(shapes)


def _linear(name: str, outputs: int, inputs: int, config: ModelConfig) -> Shapes:
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if config.bias else {})


def _norm(name: str, config: ModelConfig) -> Shapes:
    parts = {"none": (), "rms": ("weight",), "layer": ("weight", "bias") if config.bias else ("weight",)}
    return {f"{name}.{part}": (config.d_model,) for part in parts[config.norm]}
