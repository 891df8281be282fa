"""Decoding by the kernels. Importing this takes no torch."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from octavo.generate.chunks import Chunk, in_groups, never, random_numbers, window_begin
from octavo.generate.packed import Packed
from octavo.native import decoding as native
from octavo.options import SamplingConfig

_MOST_STEPS = 32  # of a chunk, which a person sees as one
_MOST_PRODUCTS = 2**30  # of a chunk: some hundredths of a second


def decode_packed(
    weights: Packed,
    prompts: Sequence[Sequence[int]],
    *,
    threads: int,
    context_length: int,
    start_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
    ended: Callable[[int], bool] = never,
) -> Iterator[Chunk]:
    """:func:`octavo.generate.decoding.decode` by weights that were packed for that context and start token.

    Chunks grow, so that the first token comes at once. Each stream begins where its own prompt ends.
    """
    decode = in_groups(partial(_decode, weights, threads), 4 * weights.cache_numbers)
    return decode(
        prompts, context_length=context_length, start_id=start_id, sampling=sampling, seeds=seeds, ended=ended
    )


def _decode(
    weights: Packed,
    threads: int,
    prompts: Sequence[Sequence[int]],
    *,
    context_length: int,
    start_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
    ended: Callable[[int], bool],
) -> Iterator[Chunk]:
    """Decode streams side by side."""
    randoms = random_numbers(seeds)
    room = _Room(weights, prompts, context_length, start_id)
    streams = dict(enumerate(room.streams))
    steps, left = 1, sampling.max_new_tokens
    while left and (going := [number for number in streams if not ended(number)]):
        fitting = _MOST_PRODUCTS // (weights.products * len(going))
        steps = max(1, min(steps, left, _MOST_STEPS, fitting))
        uniforms = np.stack([randoms[number].random(steps) for number in going])
        array = (native.Stream * len(going))(*(streams[number] for number in going))
        drawn = native.decode(weights.struct, array, steps, sampling, uniforms, threads=threads)
        streams = dict(zip(going, array, strict=True))
        new = dict(zip(going, drawn.tolist(), strict=True))
        yield [new.get(number, []) for number in range(len(prompts))]
        left, steps = left - steps, 2 * steps


def predict_packed(
    weights: Packed,
    contexts: Sequence[Sequence[int]],
    *,
    threads: int,
    context_length: int,
    start_id: int | None,
) -> npt.NDArray[np.float32]:
    """:func:`octavo.generate.decoding.predict` by weights that were packed for that context and start token."""
    room = _Room(weights, contexts, context_length, start_id)
    array = (native.Stream * len(contexts))(*room.streams)
    logits = np.empty((len(contexts), weights.struct.vocab), dtype=np.float32)
    uniforms = np.zeros((len(contexts), 1))
    native.decode(weights.struct, array, 1, SamplingConfig(), uniforms, threads=threads, logits=logits)
    return logits


class _Room:
    """Streams that begin with the end of each prompt, and the memory that they point to."""

    def __init__(
        self, weights: Packed, prompts: Sequence[Sequence[int]], context_length: int, start_id: int | None
    ) -> None:
        first = [] if start_id is None else [start_id]
        self._windows = np.zeros((len(prompts), context_length + 1), dtype=np.int32)
        self._caches = native.aligned(len(prompts), weights.cache_numbers)
        self.streams = []
        for number, prompt in enumerate(prompts):
            begin = window_begin(len(prompt), context_length - len(first))
            tokens = first + list(prompt[begin:])
            if not tokens or min(tokens) < 0 or max(tokens) >= weights.struct.vocab:
                raise ValueError(f"a prompt is empty, or has a token that is not one of {weights.struct.vocab}")
            self._windows[number, : len(tokens)] = tokens
            window, cache = self._windows[number].ctypes.data, self._caches[number].ctypes.data
            self.streams.append(native.Stream(len(prompt), begin, len(tokens), 0, window, cache))
