"""What every way of decoding has in common. Importing this takes no torch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig

Chunk = list[list[int]]  # each stream's new tokens; maybe none
_MOST_BYTES = 2**27  # that streams side by side take


class Decode(Protocol):
    """Yields each stream's next tokens, until all have as many as `sampling` says, or have ``ended``."""

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
    """Returns the logits (contexts, vocabulary) of the token that comes after each of some contexts."""

    def __call__(
        self, contexts: Sequence[Sequence[int]], *, context_length: int, bos_id: int | None
    ) -> npt.NDArray[np.float32]: ...


class SampleToken(Protocol):
    """Returns the place in `logits` that `uniform` draws."""

    def __call__(self, logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int: ...


class Decoder(NamedTuple):
    """A model that can write: token after token, or only the next one."""

    decode: Decode
    predict: Predict
    pick: SampleToken


def in_groups(decode: Decode, bytes_of_a_stream: int) -> Decode:
    """Return `decode` for any number of streams: as many at once as a bounded memory holds, group after group.

    A stream draws from its own seed alone, so its tokens do not depend on its group.
    """
    at_once = max(1, _MOST_BYTES // bytes_of_a_stream)

    def decode_groups(
        prompts: Sequence[Sequence[int]],
        *,
        seeds: Sequence[Sequence[int]],
        ended: Callable[[int], bool],
        **options: Any,
    ) -> Iterator[Chunk]:
        def decode_group(begin: int, end: int) -> Iterator[Chunk]:
            def ended_here(stream: int) -> bool:
                return ended(begin + stream)

            return decode(prompts[begin:end], seeds=seeds[begin:end], ended=ended_here, **options)

        for begin in range(0, len(prompts), at_once):
            end = min(begin + at_once, len(prompts))
            before: Chunk = [[] for _ in range(begin)]
            after: Chunk = [[] for _ in range(end, len(prompts))]
            for chunk in decode_group(begin, end):
                yield [*before, *chunk, *after]

    return decode_groups


def random_numbers(seeds: Sequence[Sequence[int]]) -> list[np.random.Generator]:
    """Each stream's own."""
    return [np.random.Generator(np.random.PCG64(list(seed))) for seed in seeds]


def never_ends(stream: int) -> bool:
    """No stream ends before it has all its tokens."""
    return False


def window_start(place: int, room: int) -> int:
    """Where the window begins that fills `place`, if it has `room` for tokens: a function of the place alone,
    so that a text does not depend on how long the prompts beside it are."""
    advance = room - room // 2
    return max(0, -(-(place - room) // advance)) * advance
