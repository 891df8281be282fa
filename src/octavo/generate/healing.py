"""Token healing: a prompt may end inside a token of the text that goes on from it.

A space at the end of a prompt is a token of its own there, while in the training text it mostly begins the token of
the next word; "ROM" is written in other tokens than the beginning of "ROMEO". So the last tokens of a prompt are
given back. What is drawn first is one of all the ways to write on: the prompt's own tokens, or some of them and then
a longer token that begins with the bytes of the rest and goes beyond the prompt's end. Each way has the probability
that the model gives to its tokens, as in the cover encodings of Phan et al. (2024). Temperature and filters apply to
these ways as they do to tokens.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig
from octavo.generate.streams import SampleToken

_MOST = 16  # tokens that are given back
_DRAW = 0x6865616C  # keeps this draw apart from those of the tokens that follow

Logits = npt.NDArray[np.float32]


class Way(NamedTuple):
    """A way to write on from a prompt."""

    kept: int  # tokens of the prompt that stay
    longer: list[int]  # the token that goes beyond its end; none: the prompt as it is
    beyond: bytes  # what that adds to the prompt
    weight: float  # logarithm of the probability, beside that of the other ways


class Healer:
    """Heals prompts of token ids; `table` has the bytes of each token, `predict` gives the logits (contexts, V) of
    what comes after some contexts, and `pick` draws from logits."""

    def __init__(
        self, table: Sequence[bytes], predict: Callable[[Sequence[Sequence[int]]], Logits], pick: SampleToken
    ) -> None:
        self._table, self._predict, self._pick = table, predict, pick
        self._tokens = sorted(range(len(table)), key=table.__getitem__)
        self._sorted = [table[token] for token in self._tokens]
        self._longest = max(map(len, table))
        self._last: tuple[Sequence[int], list[Way]] = ([], [])  # prompts often are many times the same

    def heal(self, prompt: Sequence[int], sampling: SamplingConfig, stream: int) -> tuple[list[int], bytes]:
        """Draw one of the ways to write on from `prompt`: its tokens, and its bytes beyond the prompt's end."""
        if self._last[0] != prompt:
            self._last = (list(prompt), self.ways(prompt))
        ways = self._last[1]
        uniform = np.random.Generator(np.random.PCG64([sampling.seed, stream, _DRAW])).random()
        drawn = ways[self._pick([way.weight for way in ways], sampling, uniform)] if len(ways) > 1 else ways[0]
        return [*prompt[: drawn.kept], *drawn.longer], drawn.beyond

    def ways(self, prompt: Sequence[int]) -> list[Way]:
        """All ways to write on from `prompt`; it alone if no longer token begins with its last bytes."""
        prompt = list(prompt)
        longer = {kept: tokens for kept, rest in self._given_back(prompt) if (tokens := self._beyond(rest))}
        if not longer:
            return [Way(len(prompt), [], b"", 0.0)]
        first = min(longer)
        logits = self._predict([prompt[:kept] for kept in range(first, len(prompt))])
        if not np.isfinite(logits).all():  # weights that no training comes to
            return [Way(len(prompt), [], b"", 0.0)]
        found, so_far = [], 0.0
        for kept, row in enumerate(_log_softmax(logits), first):
            rest = sum(len(self._table[token]) for token in prompt[kept:])
            found += [
                Way(kept, [token], self._table[token][rest:], so_far + float(row[token]))
                for token in longer.get(kept, [])
            ]
            so_far += float(row[prompt[kept]])
        return [*found, Way(len(prompt), [], b"", so_far)]

    def _given_back(self, prompt: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield how many tokens of `prompt` stay, and the bytes of the rest: from the last token alone on."""
        rest = b""
        for kept in range(len(prompt) - 1, max(-1, len(prompt) - 1 - _MOST), -1):
            rest = self._table[prompt[kept]] + rest
            if len(rest) >= self._longest:
                return
            yield kept, rest

    def _beyond(self, rest: bytes) -> list[int]:
        """The tokens that begin with `rest` and go on."""
        begin = end = bisect_right(self._sorted, rest)
        while end < len(self._sorted) and self._sorted[end].startswith(rest):
            end += 1
        return self._tokens[begin:end]


def _log_softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    away = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    result: npt.NDArray[np.float64] = away - np.log(np.exp(away).sum(-1, keepdims=True))
    return result
