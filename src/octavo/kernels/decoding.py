"""Generation in C: the structs of decode.c, and its two functions."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_float, c_int, c_int64, c_void_p

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig
from octavo.kernels.library import library

LANES, PANEL = 16, 64  # the most of vectors.h, and product.h
NORMS = {"none": 0, "rms": 1, "layer": 2}
FEEDFORWARDS = {"relu": 0, "gelu": 1, "swiglu": 2}


def padded_size(n: int) -> int:
    """`n`, or the next multiple of a vector's lanes."""
    return -(-n // LANES) * LANES


def aligned(rows: int, width: int) -> npt.NDArray[np.float32]:
    """Room for numbers, of which each row begins where a vector may; `width` is a multiple of a vector's lanes."""
    room = np.empty(rows * width + LANES, dtype=np.float32)
    begin = -room.ctypes.data % (4 * LANES) // 4
    return room[begin : begin + rows * width].reshape(rows, width)


class CNorm(ctypes.Structure):
    """``norm``."""

    _fields_ = (("weight", c_void_p), ("bias", c_void_p))


class CLinear(ctypes.Structure):
    """``linear``."""

    _fields_ = (("inputs", c_int64), ("outputs", c_int64), ("weight", c_void_p), ("bias", c_void_p))


class CBlock(ctypes.Structure):
    """``block``."""

    _fields_ = (
        *((name, CNorm) for name in ("attention_norm", "feedforward_norm")),
        *((name, c_void_p) for name in ("q_norm", "k_norm")),
        *((name, CLinear) for name in ("qkv", "output", "up", "down")),
    )


class CTransformer(ctypes.Structure):
    """``transformer``."""

    _fields_ = (
        *((n, c_int64) for n in ("n_layers", "d_model", "width", "n_heads", "n_kv_heads", "d_head", "head", "d_ff")),
        *((n, c_int64) for n in ("hidden", "vocab", "odds", "context", "first")),
        *((n, c_int64) for n in ("norm", "post_norm", "residual", "feedforward")),
        ("epsilon", c_float),
        *((n, c_void_p) for n in ("embedding", "positions", "cosines", "sines", "first_qkv")),
        ("final_norm", CNorm),
        ("unembedding", CLinear),
        ("blocks", POINTER(CBlock)),
    )


class CStream(ctypes.Structure):
    """``stream``."""

    _fields_ = (
        *((n, c_int64) for n in ("place", "begin", "held", "cached")),
        *((n, c_void_p) for n in ("window", "cache")),
    )


class CSampling(ctypes.Structure):
    """``sampling``."""

    _fields_ = (*((n, c_double) for n in ("temperature", "top_p", "min_p")), ("top_k", c_int64))

    @classmethod
    def of(cls, config: SamplingConfig) -> "CSampling":
        """The same choice for C."""
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
    """Let each stream grow by as many tokens as `steps`, (streams, steps); `uniforms` (streams, steps) draw them.

    `logits` (streams, vocabulary) become those of the last step.

    Raises:
        MemoryError: there is not enough for it.
    """
    tokens = np.empty((len(streams), steps), dtype=np.int32)
    uniforms = np.ascontiguousarray(uniforms, dtype=np.float64)
    if uniforms.shape != tokens.shape or (logits is not None and logits.shape != (len(streams), model.vocab)):
        raise ValueError("there is a number for each stream and step, and room for the logits of each stream")
    if logits is not None and (logits.dtype != np.float32 or not logits.flags.c_contiguous):
        raise ValueError("the room for logits is not fp32 in one piece")
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
        raise MemoryError("there is not enough memory to generate with so many threads")
    return tokens


def sample_token(logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int:
    """The token that `uniform` draws from `logits`, as within :func:`decode_streams`."""
    room = np.zeros(padded_size(len(logits)), dtype=np.float32)
    room[: len(logits)] = logits
    keys, edges = (np.empty(len(room), dtype=kind) for kind in (np.int32, np.float64))
    arrays = (c_void_p(array.ctypes.data) for array in (keys, edges))
    how, at = CSampling.of(sampling), c_void_p(room.ctypes.data)
    token: int = _library().octavo_pick(ctypes.byref(how), at, c_int64(len(logits)), c_double(uniform), *arrays)
    return token


def _library() -> ctypes.CDLL:
    found = library()
    if found is None:
        raise RuntimeError("there are no compiled kernels here")
    return found
