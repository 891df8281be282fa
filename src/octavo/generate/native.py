"""Decode with the kernels of :mod:`octavo.kernels`. Importing this takes no torch.

The kernels read weights in fp32, padded with zeros to full vectors. They are packed from plain arrays, by the names
that a checkpoint has. I inputs, O outputs, V vocabulary, H heads, K d_head.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.streams import Chunk, ContextWindow, Request, in_groups, random_generators
from octavo.kernels import decoding as native
from octavo.kernels.decoding import PANEL, padded_size
from octavo.kernels.library import library

Array = npt.NDArray[np.float32]

_MAX_QKV_TABLE = 2**20  # numbers; a larger table would push the weights out of the CPU's caches
_MAX_CHUNK_STEPS = 32  # appear at once to the reader
_MAX_CHUNK_PRODUCTS = 2**30  # multiplications: some hundredths of a second


def can_pack(config: ModelConfig, context_length: int) -> bool:
    """Return whether there are kernels for a model with windows of `context_length` positions."""
    has_table = config.position in ("sinusoidal", "learned")
    return library() is not None and not (has_table and config.max_positions < context_length)


class PackedWeights:
    """A model's weights for the kernels: the C struct, and the arrays that it points to.

    Args:
        config: the model's sizes and parts.
        vocab_size: tokens of the vocabulary.
        weights: every parameter by its name, fp32.
        context_length: positions of a window.
        with_bos: whether a BOS token takes the first position of each window.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocab_size: int,
        weights: Mapping[str, Array],
        context_length: int,
        *,
        with_bos: bool,
    ) -> None:
        k, kv_heads = config.head_width, config.key_value_heads
        self._weights, self._config = weights, config
        self._arrays: list[Array] = []
        self._blocks = (native.CBlock * config.n_layers)()
        for index in range(config.n_layers):
            self._blocks[index] = self._block(f"blocks.{index}", k)
        unembedding = "embedding" if config.tied_embeddings else "unembedding"
        self.struct = native.CTransformer(
            n_layers=config.n_layers,
            d_model=config.d_model,
            width=padded_size(config.d_model),
            n_heads=config.n_heads,
            n_kv_heads=kv_heads,
            d_head=k,
            head=padded_size(k),
            d_ff=config.d_ff,
            hidden=padded_size(config.d_ff),
            vocab=vocab_size,
            vocab_padded=padded_size(vocab_size),
            context=context_length,
            has_bos=with_bos,
            norm=native.NORMS[config.norm],
            post_norm=config.norm_order == "post",
            residual=config.residual,
            feedforward=native.FEEDFORWARDS[config.feedforward],
            epsilon=config.norm_epsilon,
            embedding=self._keep(_padded(weights["embedding.weight"])),
            final_norm=self._norm("final_norm"),
            unembedding=self._linear([unembedding], bias_of=["unembedding"]),
            blocks=self._blocks,
        )
        if config.position in ("sinusoidal", "learned"):
            rows = _sinusoids(config) if config.position == "sinusoidal" else weights["positions.rows"]
            self.struct.positions = self._keep(_padded(rows[:context_length]))
        elif vocab_size * self._blocks[0].qkv.outputs <= _MAX_QKV_TABLE:
            self.struct.first_qkv = self._keep(self._first_qkv(k))
        if config.position == "rotary":
            angles = _angles(context_length, k, config.position_base)
            self.struct.cosines, self.struct.sines = self._keep(np.cos(angles)), self._keep(np.sin(angles))
        # Numbers in the keys and values of one stream.
        self.cache_numbers = config.n_layers * kv_heads * padded_size(context_length) * (k + padded_size(k))
        self.products = sum(weight.size for weight in weights.values())  # multiplications per token, about

    def _block(self, name: str, k: int) -> native.CBlock:
        attention, feedforward = f"{name}.attention", f"{name}.feedforward"
        up = ("gate", "up") if self._config.feedforward == "swiglu" else ("up",)
        return native.CBlock(
            attention_norm=self._norm(f"{name}.attention_norm"),
            feedforward_norm=self._norm(f"{name}.feedforward_norm"),
            q_norm=self._norm(f"{attention}.q_norm").weight,
            k_norm=self._norm(f"{attention}.k_norm").weight,
            qkv=self._linear([f"{attention}.{part}" for part in "qkv"], output_heads=k),
            output=self._linear([f"{attention}.output"], input_heads=k),
            up=self._linear([f"{feedforward}.{part}" for part in up]),
            down=self._linear([f"{feedforward}.down"]),
        )

    def _norm(self, name: str) -> native.CNorm:
        parts = {part: self._weights.get(f"{name}.{part}") for part in ("weight", "bias")}
        return native.CNorm(**{part: self._keep(_padded(v)) for part, v in parts.items() if v is not None})

    def _linear(
        self, parts: Sequence[str], *, input_heads: int = 0, output_heads: int = 0, bias_of: Sequence[str] = ()
    ) -> native.CLinear:
        """Stack the matrices of `parts` into one (O, I).

        Rows of outputs (`output_heads`) or columns of inputs (`input_heads`) that belong to heads of such a width
        are padded head by head.
        """
        matrices = [self._weights[f"{part}.weight"] for part in parts]
        rows = np.concatenate([_padded(matrix.T, output_heads) for matrix in matrices], axis=-1).T  # (O, I)
        if input_heads:
            rows = _padded(rows, input_heads)
        panels = [rows[begin : begin + PANEL].T.ravel() for begin in range(0, len(rows), PANEL)]
        linear = native.CLinear(inputs=rows.shape[1], outputs=len(rows), weight=self._keep(np.concatenate(panels)))
        if self._config.bias:
            biases = [self._weights[f"{part}.bias"] for part in bias_of or parts]
            linear.bias = self._keep(np.concatenate([_padded(bias, output_heads) for bias in biases]))
        return linear

    @np.errstate(over="ignore", invalid="ignore")  # damaged weights may be huge
    def _first_qkv(self, k: int) -> Array:
        """Return the first block's q, k and v of every token, (V, O); it needs embeddings without a position."""
        x = self._weights["embedding.weight"]
        if self._config.norm_order == "pre":
            x = self._normed(x, "blocks.0.attention_norm")
        qkv = []
        for part in (f"blocks.0.attention.{name}" for name in "qkv"):
            projected = x @ self._weights[f"{part}.weight"].T
            qkv.append(_padded(projected + self._weights[f"{part}.bias"] if self._config.bias else projected, k))
        return np.concatenate(qkv, axis=-1)

    def _normed(self, x: Array, name: str) -> Array:
        if self._config.norm == "none":
            return x
        if self._config.norm == "layer":
            x = x - x.mean(axis=-1, keepdims=True)
        scaled: Array = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + self._config.norm_epsilon)
        return scaled * self._weights[f"{name}.weight"] + self._weights.get(f"{name}.bias", 0)

    def _keep(self, array: Array) -> int:
        self._arrays.append(np.ascontiguousarray(array, dtype=np.float32))
        return self._arrays[-1].ctypes.data


def _angles(length: int, width: int, base: float) -> Array:
    """Return the rotary angles (length, width / 2), computed in fp32 as in :mod:`octavo.model.positions`."""
    exponents = -np.arange(0, width, 2, dtype=np.float32) / np.float32(width)
    return np.outer(np.arange(length, dtype=np.float32), np.float32(base) ** exponents)


def _sinusoids(config: ModelConfig) -> Array:
    angles = _angles(config.max_positions, config.d_model, config.position_base)
    rows = np.zeros((config.max_positions, config.d_model), dtype=np.float32)
    rows[:, 0::2], rows[:, 1::2] = np.sin(angles), np.cos(angles)[:, : config.d_model // 2]
    return rows


def _padded(x: Array, width: int = 0) -> Array:
    """Pad the last dimension, or each `width` of it, with zeros to full vectors."""
    width = width or x.shape[-1]
    heads = x.reshape(*x.shape[:-1], -1, width)
    padded = np.pad(heads, [(0, 0)] * (heads.ndim - 1) + [(0, padded_size(width) - width)])
    return padded.reshape(*x.shape[:-1], -1)


def decode_packed(weights: PackedWeights, threads: int, request: Request) -> Iterator[Chunk]:
    """Decode as :func:`octavo.generate.decoding.decode` does, with weights packed for this context and BOS token.

    Chunks grow, so that the first token comes at once. Each stream begins where its own prompt ends.
    """
    return in_groups(partial(_decode_streams, weights, threads), 4 * weights.cache_numbers)(request)


def _decode_streams(weights: PackedWeights, threads: int, request: Request) -> Iterator[Chunk]:
    """Decode streams together, some positions a chunk."""
    sampling, generators = request.sampling, random_generators(request.seeds)
    buffers = _StreamBuffers(weights, request.prompts, request.window)
    streams = dict(enumerate(buffers.streams))
    steps, left = 1, sampling.max_new_tokens
    while left and (active := [number for number in streams if not request.ended(number)]):
        # 1. Decide how many tokens this chunk has.
        affordable = _MAX_CHUNK_PRODUCTS // (weights.products * len(active))
        steps = max(1, min(steps, left, _MAX_CHUNK_STEPS, affordable))
        # 2. Decode them for all active streams.
        uniforms = np.stack([generators[number].random(steps) for number in active])
        array = (native.CStream * len(active))(*(streams[number] for number in active))
        tokens = native.decode_streams(weights.struct, array, steps, sampling, uniforms, threads=threads)
        # 3. Keep the streams' new positions, and yield the tokens.
        streams = dict(zip(active, array, strict=True))
        new = dict(zip(active, tokens.tolist(), strict=True))
        yield [new.get(number, []) for number in range(len(request.prompts))]
        left, steps = left - steps, 2 * steps


def predict_packed(
    weights: PackedWeights, threads: int, contexts: Sequence[Sequence[int]], window: ContextWindow
) -> npt.NDArray[np.float32]:
    """Predict as :func:`octavo.generate.decoding.predict` does, with weights packed for this context."""
    buffers = _StreamBuffers(weights, contexts, window)
    array = (native.CStream * len(contexts))(*buffers.streams)
    logits = np.empty((len(contexts), weights.struct.vocab), dtype=np.float32)
    uniforms = np.zeros((len(contexts), 1))
    native.decode_streams(weights.struct, array, 1, SamplingConfig(), uniforms, threads=threads, logits=logits)
    return logits


class _StreamBuffers:
    """The C structs of streams that begin with the end of each prompt, and the memory that they point to."""

    def __init__(self, weights: PackedWeights, prompts: Sequence[Sequence[int]], window: ContextWindow) -> None:
        self._windows = np.zeros((len(prompts), window.length + 1), dtype=np.int32)
        self._caches = native.aligned(len(prompts), weights.cache_numbers)
        self.streams = []
        for number, prompt in enumerate(prompts):
            start, tokens = window.start(len(prompt)), window.ids(prompt, len(prompt))
            if not tokens or min(tokens) < 0 or max(tokens) >= weights.struct.vocab:
                raise ValueError(f"a prompt is empty, or has an id outside the vocabulary of {weights.struct.vocab}")
            self._windows[number, : len(tokens)] = tokens
            buffers = self._windows[number].ctypes.data, self._caches[number].ctypes.data
            self.streams.append(native.CStream(len(prompt), start, len(tokens), 0, *buffers))
