"""Options of generation, scores and analyses of a trained model, and their checks.

Importing this module does not import torch.
"""

from dataclasses import dataclass
from math import isqrt
from typing import TypedDict

from octavo.config.schema import MAX_SIZE, Config, ModelConfig, check_range
from octavo.errors import OctavoError, suggestion
from octavo.system.terminal import quantity

PROTOCOLS = ("sliding", "disjoint")
HEAD_WINDOWS = 64  # on which heads are measured
_MIN_WINDOWS = 8  # in a report, for a model of any size
_REPORT_FLOPS = 5e11  # of measuring heads for a report: about half a minute on two cores
_MAX_WINDOWS = 1000
_MAX_ATTENTION_WEIGHTS = 2**24  # on a page: one byte each
_MAX_LENS_CELLS = 2**15  # layers × tokens on a page: some hundred bytes each


@dataclass(frozen=True)
class SamplingConfig:
    """Settings of sampling; the filters apply from top to bottom."""

    temperature: float = 0.8  # 0: greedy, always the most probable token; 1: the model's distribution
    top_k: int = 0  # only the k most probable tokens; 0: all
    top_p: float = 1.0  # only the most probable tokens that reach this probability together (nucleus sampling)
    min_p: float = 0.0  # only tokens of at least this fraction of the highest probability
    max_new_tokens: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0.0, 100.0)
        check_range("top_k", self.top_k, 0, MAX_SIZE)
        check_range("top_p", self.top_p, 1e-6, 1.0)
        check_range("min_p", self.min_p, 0.0, 1.0)
        check_range("max_new_tokens", self.max_new_tokens, 1, 10**7)
        check_range("seed", self.seed, 0, 2**63 - 1)


class SamplingOptions(TypedDict, total=False):
    """The fields of :class:`SamplingConfig` as keyword arguments, each optional."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    max_new_tokens: int
    seed: int


def default_stride(context_length: int) -> int:
    """Return how many tokens apart the windows of a score begin unless told otherwise: half a context.

    Each token is then predicted from at least half a context, but for those at the beginning of a document.

    Example:
        >>> default_stride(128)
        64
    """
    return max(1, context_length // 2)


def check_scoring(protocol: str, stride: int, window_characters: int, context_length: int) -> None:
    """Raise OctavoError unless a model of that context can be scored with these options."""
    if protocol not in PROTOCOLS:
        raise OctavoError(f"{protocol!r} is not a protocol: {suggestion(str(protocol), PROTOCOLS)}")
    if not isinstance(stride, int) or not 1 <= stride <= context_length:
        raise OctavoError(f"stride {stride} is out of range: 1 to the context of {quantity(context_length, 'token')}")
    if not isinstance(window_characters, int) or window_characters < 1:
        raise OctavoError(f"a window of {window_characters} characters is out of range: use 1 or more")


def max_attention_tokens(config: Config) -> int:
    """Return the largest number of tokens whose attention is shown: a context, or what a page can hold."""
    return min(
        config.data.context_length, isqrt(_MAX_ATTENTION_WEIGHTS // (config.model.n_layers * config.model.n_heads))
    )


def max_lens_tokens(config: Config) -> int:
    """Return the largest number of tokens in a logit lens: a context, or what a page can hold."""
    return min(config.data.context_length, _MAX_LENS_CELLS // (1 + config.model.n_layers))


def check_passage(tokens: int | None, most: int, config: Config) -> None:
    """Raise OctavoError unless a passage of so many tokens can be shown; 2 is the least for attention to a token
    before, None any number."""
    if tokens is not None and (not isinstance(tokens, int) or not 2 <= tokens <= most):
        why = "the context of this run" if most == config.data.context_length else "the limit of a page"
        count = f"{tokens} token is" if tokens == 1 else f"{tokens} tokens are"
        raise OctavoError(f"{count} out of range: 2 to {most}, {why}")


def check_head(layer: int | None, head: int | None, model: ModelConfig) -> None:
    """Raise OctavoError unless the model has that layer and that head; None is any."""
    for name, index, count in (("layer", layer, model.n_layers), ("head", head, model.n_heads)):
        if index is not None and (not isinstance(index, int) or not 0 <= index < count):
            raise OctavoError(f"there is no {name} {index}: this run has {name}s 0 to {count - 1}")


def head_windows(flops: float) -> int:
    """Return the number of windows on which a report measures heads; `flops` is the cost of one window."""
    return max(_MIN_WINDOWS, min(HEAD_WINDOWS, int(_REPORT_FLOPS / flops)))


def check_windows(windows: int) -> None:
    """Raise OctavoError unless heads can be measured on so many windows."""
    if not isinstance(windows, int) or not 1 <= windows <= _MAX_WINDOWS:
        raise OctavoError(f"{windows} windows are out of range: 1 to {_MAX_WINDOWS}")
