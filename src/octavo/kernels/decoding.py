"""Generation in C: the structs of decode.c and its two functions. Importing this does not import torch."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_float, c_int, c_int64, c_void_p

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig
from octavo.kernels.library import library
from octavo.system.terminal import quantity

LANES, PANEL = 16, 64  # the largest LANES of simd.h, and PANEL of matmul.h
NORMS = {"none": 0, "rms": 1, "layer": 2}
FEEDFORWARDS = {"relu": 0, "gelu": 1, "swiglu": 2}


def padded_size(n: int) -> int:
    """Return `n` rounded up to a multiple of :data:`LANES`.

    Example:
        >>> padded_size(17)
        32
    """
    return -(-n // LANES) * LANES


def aligned(rows: int, width: int) -> npt.NDArray[np.float32]:
    """Return an uninitialised array (rows, width) whose rows are aligned to vectors; LANES must divide `width`."""
    buffer = np.empty(rows * width + LANES, dtype=np.float32)
    begin = -buffer.ctypes.data % (4 * LANES) // 4
    return buffer[begin : begin + rows * width].reshape(rows, width)


class CNorm(ctypes.Structure):
    """``norm`` of decode.c."""

    _fields_ = (("weight", c_void_p), ("bias", c_void_p))


class CLinear(ctypes.Structure):
    """``linear`` of matmul.h."""

    _fields_ = (("inputs", c_int64), ("outputs", c_int64), ("weight", c_void_p), ("bias", c_void_p))


class CBlock(ctypes.Structure):
    """``block`` of decode.c."""

    _fields_ = (
        *((name, CNorm) for name in ("attention_norm", "feedforward_norm")),
        *((name, c_void_p) for name in ("q_norm", "k_norm")),
        *((name, CLinear) for name in ("qkv", "output", "up", "down")),
    )


class CTransformer(ctypes.Structure):
    """``transformer`` of decode.c."""

    _fields_ = (
        *((n, c_int64) for n in ("n_layers", "d_model", "width", "n_heads", "n_kv_heads", "d_head", "head", "d_ff")),
        *((n, c_int64) for n in ("hidden", "vocab", "vocab_padded", "context", "has_bos")),
        *((n, c_int64) for n in ("norm", "post_norm", "residual", "feedforward")),
        ("epsilon", c_float),
        *((n, c_void_p) for n in ("embedding", "positions", "cosines", "sines", "first_qkv")),
        ("final_norm", CNorm),
        ("unembedding", CLinear),
        ("blocks", POINTER(CBlock)),
    )


class CStream(ctypes.Structure):
    """``stream`` of decode.c."""

    _fields_ = (
        *((n, c_int64) for n in ("length", "window_start", "n_window", "n_cached")),
        *((n, c_void_p) for n in ("window", "cache")),
    )


class CSampling(ctypes.Structure):
    """``sampling`` of sampling.h."""

    _fields_ = (*((n, c_double) for n in ("temperature", "top_p", "min_p")), ("top_k", c_int64))

    @classmethod
    def of(cls, config: SamplingConfig) -> "CSampling":
        """Convert a :class:`~octavo.config.inference.SamplingConfig`."""
        return cls(config.temperature, config.top_p, config.min_p, config.top_k)


def decode_streams(
    model: CTransformer,
    streams: "ctypes.Array[CStream]",
    steps: int,
    sampling: SamplingConfig,
    uniforms: npt.NDArray[np.float64],
    *,
    threads: int,
    logits: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.int32]:
    """Extend each stream by `steps` tokens, in place.

    Args:
        model: the weights and sizes.
        streams: the texts that grow.
        steps: tokens to sample for each stream.
        sampling: temperature and filters.
        uniforms: random numbers in [0, 1), (streams, steps).
        threads: how many to use at most. The result does not depend on it.
        logits: receives the logits of the last step, (streams, vocabulary).

    Returns:
        The new tokens, (streams, steps).

    Raises:
        ValueError: an array has the wrong shape or memory layout.
        MemoryError: the buffers could not be allocated.
    """
    tokens = np.empty((len(streams), steps), dtype=np.int32)
    uniforms = np.ascontiguousarray(uniforms, dtype=np.float64)
    if uniforms.shape != tokens.shape:
        raise ValueError(f"uniforms have the shape {uniforms.shape}, not {tokens.shape}")
    if logits is not None and logits.shape != (len(streams), model.vocab):
        raise ValueError(f"logits have the shape {logits.shape}, not {(len(streams), model.vocab)}")
    if logits is not None and (logits.dtype != np.float32 or not logits.flags.c_contiguous):
        raise ValueError("the array for logits is not contiguous fp32")
    failed = _library().octavo_decode(
        ctypes.byref(model),
        streams,
        c_int64(len(streams)),
        c_int64(steps),
        ctypes.byref(CSampling.of(sampling)),
        c_void_p(uniforms.ctypes.data),
        c_void_p(tokens.ctypes.data),
        c_void_p(None if logits is None else logits.ctypes.data),
        c_int(threads),
    )
    if failed:
        raise MemoryError(f"not enough memory to generate on {quantity(threads, 'thread')}")
    return tokens


def sample_token(logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int:
    """Return the token that the random number `uniform` selects, as :func:`decode_streams` does at each step."""
    padded = np.zeros(padded_size(len(logits)), dtype=np.float32)
    padded[: len(logits)] = logits
    keys, edges = np.empty(len(padded), dtype=np.int32), np.empty(len(padded), dtype=np.float64)
    token: int = _library().octavo_sample(
        ctypes.byref(CSampling.of(sampling)),
        c_void_p(padded.ctypes.data),
        c_int64(len(logits)),
        c_double(uniform),
        c_void_p(keys.ctypes.data),
        c_void_p(edges.ctypes.data),
    )
    return token


def _library() -> ctypes.CDLL:
    kernels = library()
    if kernels is None:
        raise RuntimeError("there are no compiled kernels here")
    return kernels
