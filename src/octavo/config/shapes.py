"""What tensors a model of a config has, without making one. Importing this takes no torch."""

import math
from dataclasses import replace

from octavo.config.schema import ModelConfig

Shapes = dict[str, tuple[int, ...]]
_MAX_NUMBERS = 2**24  # numbers of the largest tensor of a forward pass without gradients: 64 MiB in fp32
_MAX_WINDOWS = 64  # more at once are not faster


def model_shapes(config: ModelConfig, vocab_size: int) -> Shapes:
    """Every parameter's shape by name, as ``octavo.model.Transformer`` has them: tied matrices once."""
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
    """How many numbers and tensors :func:`model_shapes` has, in no time for any number of layers."""
    one, two = (_count(model_shapes(replace(config, n_layers=layers), vocab_size)) for layers in (1, 2))
    further = config.n_layers - 1
    return one[0] + further * (two[0] - one[0]), one[1] + further * (two[1] - one[1])


def windows_at_once(config: ModelConfig, vocab_size: int, length: int, *, scores: bool = False) -> int:
    """Return how many windows of `length` tokens to read at once where no gradient is needed.

    That keeps the memory of a score bounded whatever the vocabulary, the context and the batch of training.
    `scores`: the attention scores are made as well, as they are with a tap.

    Example:
        >>> windows_at_once(Config().model, vocab_size=512, length=128)
        64
    """
    return max(
        1,
        min(_MAX_WINDOWS, _MAX_NUMBERS // (length * max_activation_width(config, vocab_size, length, scores=scores))),
    )


def max_activation_width(config: ModelConfig, vocab_size: int, length: int, *, scores: bool = False) -> int:
    """Return how many numbers the largest tensor of a forward pass has for each token of a window."""
    joined = (config.n_heads + 2 * config.key_value_heads) * config.head_width
    hidden = config.d_ff * (1 + (config.feedforward == "swiglu"))
    return max(vocab_size, joined, hidden, scores * config.n_heads * length)


def _count(shapes: Shapes) -> tuple[int, int]:
    return sum(map(math.prod, shapes.values())), len(shapes)


def _linear(name: str, outputs: int, inputs: int, config: ModelConfig) -> Shapes:
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if config.bias else {})


def _norm(name: str, config: ModelConfig) -> Shapes:
    parts = {"none": (), "rms": ("weight",), "layer": ("weight", "bias") if config.bias else ("weight",)}
    return {f"{name}.{part}": (config.d_model,) for part in parts[config.norm]}
