"""Describe a request to decode, and provide what every way of decoding shares. Importing this takes no torch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig

Chunk = list[list[int]]  # the new tokens of each stream, maybe none
_MAX_BYTES = 2**27  # of the streams that are decoded at once


@dataclass(frozen=True)
class ContextWindow:
    """The windows that a model reads: `length` positions, of which the BOS token takes the first."""

    length: int
    bos_id: int | None  # None: the tokenizer has no BOS token

    def start(self, position: int) -> int:
        """Return where the window begins, in tokens of the text, that predicts the token at `position`."""
        return window_start(position, self.length - (self.bos_id is not None))

    def ids(self, tokens: Sequence[int], position: int) -> list[int]:
        """Return the ids of the window that predicts the token at `position` of a text of `tokens`."""
        first = [] if self.bos_id is None else [self.bos_id]
        return [*first, *tokens[self.start(position) : position]]


def never_ends(stream: int) -> bool:
    """Return False: a stream ends only when it has all its tokens."""
    return False


@dataclass(frozen=True)
class Request:
    """Streams to decode: each continues its prompt, and draws from its own seed alone."""

    prompts: Sequence[Sequence[int]]  # token ids without a BOS token; not empty, unless there is a BOS token
    window: ContextWindow
    sampling: SamplingConfig  # how a token is chosen, and how many
    seeds: Sequence[Sequence[int]]
    ended: Callable[[int], bool] = never_ends  # whether a stream needs no more tokens; it may get more


# Yields the next tokens of each stream until all have ``sampling.max_new_tokens``, or have ``ended``.
Decode = Callable[[Request], Iterator[Chunk]]
# Returns the logits (contexts, V) of the token that follows each context.
Predict = Callable[[Sequence[Sequence[int]], ContextWindow], npt.NDArray[np.float32]]
# Returns the index in logits that a number in [0, 1) selects.
SampleToken = Callable[[Sequence[float], SamplingConfig, float], int]


class Decoder(NamedTuple):
    """A model that can generate: many tokens, only the logits of the next one, or one token from logits."""

    decode: Decode
    predict: Predict
    sample_token: SampleToken


def in_groups(decode: Decode, bytes_per_stream: int) -> Decode:
    """Return `decode` for any number of streams: groups that fit into a bounded memory, one after the other.

    A stream draws from its own seed alone, so its tokens do not depend on its group.
    """
    group_size = max(1, _MAX_BYTES // bytes_per_stream)

    def decode_groups(request: Request) -> Iterator[Chunk]:
        prompts, seeds = request.prompts, request.seeds
        for begin in range(0, len(prompts), group_size):
            group = slice(begin, begin + group_size)

            def ended(stream: int, begin: int = begin) -> bool:
                return request.ended(begin + stream)

            before: Chunk = [[] for _ in prompts[:begin]]
            after: Chunk = [[] for _ in prompts[group.stop :]]
            for chunk in decode(replace(request, prompts=prompts[group], seeds=seeds[group], ended=ended)):
                yield [*before, *chunk, *after]

    return decode_groups


def random_generators(seeds: Sequence[Sequence[int]]) -> list[np.random.Generator]:
    """Return a random generator for each stream."""
    return [np.random.Generator(np.random.PCG64(list(seed))) for seed in seeds]


def window_start(position: int, capacity: int) -> int:
    """Return where the window of `capacity` tokens begins that predicts the token at `position`.

    It depends on the position alone, so that a text does not depend on the length of the prompts decoded with it.
    When a window is full, the next one begins with its newer half.
    """
    advance = capacity - capacity // 2
    return max(0, -(-(position - capacity) // advance)) * advance
