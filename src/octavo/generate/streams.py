"""The protocol that every way of decoding follows, and what they share. Importing this takes no torch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig

Chunk = list[list[int]]  # the new tokens of each stream, maybe none
_MAX_BYTES = 2**27  # of the streams that are decoded at once


class Decode(Protocol):
    """Yield the next tokens of each stream until all have ``sampling.max_new_tokens``, or have ``ended``."""

    def __call__(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        context_length: int,
        bos_id: int | None,
        sampling: SamplingConfig,
        seeds: Sequence[Sequence[int]],
        ended: Callable[[int], bool],
    ) -> Iterator[Chunk]: ...


class Predict(Protocol):
    """Return the logits (contexts, V) of the token that follows each context."""

    def __call__(
        self, contexts: Sequence[Sequence[int]], *, context_length: int, bos_id: int | None
    ) -> npt.NDArray[np.float32]: ...


class SampleToken(Protocol):
    """Return the index in `logits` that the number `uniform` in [0, 1) selects."""

    def __call__(self, logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int: ...


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

    def decode_groups(
        prompts: Sequence[Sequence[int]],
        *,
        seeds: Sequence[Sequence[int]],
        ended: Callable[[int], bool],
        **options: Any,
    ) -> Iterator[Chunk]:
        def decode_group(begin: int, end: int) -> Iterator[Chunk]:
            def ended_in_group(stream: int) -> bool:
                return ended(begin + stream)

            return decode(prompts[begin:end], seeds=seeds[begin:end], ended=ended_in_group, **options)

        for begin in range(0, len(prompts), group_size):
            end = min(begin + group_size, len(prompts))
            before: Chunk = [[] for _ in range(begin)]
            after: Chunk = [[] for _ in range(end, len(prompts))]
            for chunk in decode_group(begin, end):
                yield [*before, *chunk, *after]

    return decode_groups


def random_generators(seeds: Sequence[Sequence[int]]) -> list[np.random.Generator]:
    """Return a random generator for each stream."""
    return [np.random.Generator(np.random.PCG64(list(seed))) for seed in seeds]


def never_ends(stream: int) -> bool:
    """Return False: a stream ends only when it has all its tokens."""
    return False


def window_start(position: int, capacity: int) -> int:
    """Return where the window of `capacity` tokens begins that predicts the token at `position`.

    It depends on the position alone, so that a text does not depend on the length of the prompts decoded with it.
    When a window is full, the next one begins with its newer half.
    """
    advance = capacity - capacity // 2
    return max(0, -(-(position - capacity) // advance)) * advance
