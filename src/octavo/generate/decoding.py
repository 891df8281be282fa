"""Prefill and decode: prompts of token ids in; out, a step at a time, one new token for each stream.

B streams, T positions, V vocabulary.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from octavo.generate.sampling import choose, probabilities
from octavo.model import KeyValueCache, Transformer
from octavo.options import SamplingConfig


def decode(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    context_length: int,
    start_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
) -> Iterator[list[int | None]]:
    """Yield, without end, each stream's next token, or None while its prompt is still being read.

    Prompts come without start token and, unless there is one, are not empty. The streams advance together:
    what all prompts have is read at once and the rest of the longer ones token by token, so nothing is padded.
    When the context is full, the model reads its newer half anew as a window of its own, so that positions
    stay those that it was trained on. Stream i draws from ``seeds[i]`` alone, whatever the others are.
    """
    streams = [list(prompt) for prompt in prompts]
    randoms = [np.random.Generator(np.random.PCG64(list(seed))) for seed in seeds]
    first = [] if start_id is None else [start_id]
    room = context_length - len(first)
    place = min(map(len, prompts))  # the position that the coming step fills
    begin = -1
    while True:
        if begin != (begin := window_begin(place, room)):
            cache = KeyValueCache(model.config, len(prompts), context_length)
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
        yield [None if r else token for token, r in zip(drawn, reading, strict=True)]
        place += 1


def window_begin(place: int, room: int) -> int:
    """Where the window begins that fills `place`, if it has `room` for tokens: a function of the place alone,
    so that a text does not depend on how long the prompts beside it are."""
    advance = room - room // 2
    return max(0, -(-(place - room) // advance)) * advance
