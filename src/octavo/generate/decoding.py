"""Prefill and decode: prompts of token ids in; out, chunk by chunk, the tokens that each stream grows by.

B streams, T positions, V vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from octavo.generate.packed import Packed, packed
from octavo.generate.sampling import choose, probabilities
from octavo.model import KeyValueCache, Transformer
from octavo.native import decoding as native
from octavo.options import SamplingConfig

_MOST_STEPS = 32  # of a chunk, which a person sees as one
_MOST_PRODUCTS = 2**30  # of a chunk: some hundredths of a second

Chunk = list[list[int]]  # each stream's new tokens; maybe none


def never(stream: int) -> bool:
    """No stream ends before it has all its tokens."""
    return False


def decode(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    context_length: int,
    start_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
    ended: Callable[[int], bool] = never,
) -> Iterator[Chunk]:
    """Yield each stream's next tokens, until all have as many as `sampling` says, or have ``ended``.

    Prompts come without start token and, unless there is one, are not empty. When the context is full, the model
    reads its newer half anew as a window of its own, so that positions stay those that it was trained on. Stream i
    draws from ``seeds[i]`` alone, whatever the others are. A stream that has ``ended`` may get more tokens or not.
    """
    streams = [list(prompt) for prompt in prompts]
    randoms = [np.random.Generator(np.random.PCG64(list(seed))) for seed in seeds]
    first = [] if start_id is None else [start_id]
    if weights := packed(model, context_length, with_start=bool(first)):
        return _with_kernels(weights, streams, randoms, first, context_length, sampling, ended)
    return _with_pytorch(model, streams, randoms, first, context_length, sampling, ended)


def _with_pytorch(
    model: Transformer,
    streams: list[list[int]],
    randoms: list[np.random.Generator],
    first: list[int],
    context_length: int,
    sampling: SamplingConfig,
    ended: Callable[[int], bool],
) -> Iterator[Chunk]:
    """A chunk is a step. The streams advance together: what all prompts have is read at once and the rest of the
    longer ones token by token, so nothing is padded."""
    room = context_length - len(first)
    place = min(map(len, streams))  # the position that the coming step fills
    ends = [len(stream) + sampling.max_new_tokens for stream in streams]
    begin = -1
    while any(place < end and not ended(i) for i, end in enumerate(ends)):
        if begin != (begin := window_begin(place, room)):
            cache = KeyValueCache(model.config, len(streams), context_length)
            pending = [first + stream[begin:place] for stream in streams]
        else:
            pending = [[stream[place - 1]] for stream in streams]
        with torch.inference_mode():
            logits = model(torch.tensor(pending), cache=cache)[:, -1]
            reading = [place < len(stream) for stream in streams]
            # A stream that still reads draws nothing: its first number belongs to its first new token.
            uniforms = [0.0 if r else random.random() for r, random in zip(reading, randoms, strict=True)]
            drawn = choose(probabilities(logits, sampling), torch.tensor(uniforms)).tolist()
        for stream, token, r in zip(streams, drawn, reading, strict=True):
            if not r:
                stream.append(token)
        yield [[] if r or place >= end else [token] for token, r, end in zip(drawn, reading, ends, strict=True)]
        place += 1


def _with_kernels(
    weights: Packed,
    prompts: list[list[int]],
    randoms: list[np.random.Generator],
    first: list[int],
    context_length: int,
    sampling: SamplingConfig,
    ended: Callable[[int], bool],
) -> Iterator[Chunk]:
    """Chunks grow, so that the first token comes at once. Each stream begins where its own prompt ends."""
    windows = np.zeros((len(prompts), context_length + 1), dtype=np.int32)
    caches = native.aligned(len(prompts), weights.cache_numbers)
    streams = {}
    for number, prompt in enumerate(prompts):
        begin = window_begin(len(prompt), context_length - len(first))
        tokens = first + prompt[begin:]
        if not tokens or min(tokens) < 0 or max(tokens) >= weights.struct.vocab:
            raise ValueError(f"a prompt is empty, or has a token that is not one of {weights.struct.vocab}")
        windows[number, : len(tokens)] = tokens
        window, cache = windows[number].ctypes.data, caches[number].ctypes.data
        streams[number] = native.Stream(len(prompt), begin, len(tokens), 0, window, cache)
    steps, left = 1, sampling.max_new_tokens
    while left and (going := [number for number in streams if not ended(number)]):
        fitting = _MOST_PRODUCTS // (weights.products * len(going))
        steps = max(1, min(steps, left, _MOST_STEPS, fitting))
        uniforms = np.stack([randoms[number].random(steps) for number in going])
        array = (native.Stream * len(going))(*(streams[number] for number in going))
        drawn = native.decode(weights.struct, array, steps, sampling, uniforms, threads=torch.get_num_threads())
        streams = dict(zip(going, array, strict=True))
        new = dict(zip(going, drawn.tolist(), strict=True))
        yield [new.get(number, []) for number in range(len(prompts))]
        left, steps = left - steps, 2 * steps


def window_begin(place: int, room: int) -> int:
    """Where the window begins that fills `place`, if it has `room` for tokens: a function of the place alone,
    so that a text does not depend on how long the prompts beside it are."""
    advance = room - room // 2
    return max(0, -(-(place - room) // advance)) * advance
