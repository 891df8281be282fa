"""Token healing: a prompt may end inside a token of the text that continues it.

A space at the end of a prompt is a token of its own, while in the training text it mostly begins the token of the
next word; "ROM" is made of other tokens than the beginning of "ROMEO". So the last tokens of a prompt may be
replaced. The first draw chooses among all candidates: the prompt's own tokens, or some of them followed by a longer
token whose bytes begin with the rest of the prompt and go beyond its end. Each candidate has the probability that the
model gives to its tokens, as in the cover encodings of Phan et al. (2024). Temperature and filters apply to
candidates as they do to tokens.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.config.inference import SamplingConfig
from octavo.generate.streams import SampleToken

_MAX_REPLACED = 16  # tokens at the end of a prompt
_DRAW = 0x6865616C  # "heal": part of the seed, so that this draw differs from those of the tokens that follow

Logits = npt.NDArray[np.float32]


class HealingCandidate(NamedTuple):
    """One tokenization of a prompt's end."""

    n_kept: int  # tokens of the prompt that stay
    replacement: list[int]  # the token that goes beyond the prompt's end; empty: the prompt stays unchanged
    suffix: bytes  # the text that the replacement adds to the prompt
    log_probability: float  # up to a constant that all candidates share


class Healer:
    """Heal prompts of token ids.

    Args:
        table: the bytes of each token.
        predict: returns the logits (contexts, V) of the token that follows each context.
        sample_token: draws an index from logits.
    """

    def __init__(
        self,
        table: Sequence[bytes],
        predict: Callable[[Sequence[Sequence[int]]], Logits],
        sample_token: SampleToken,
    ) -> None:
        self._table, self._predict, self._sample_token = table, predict, sample_token
        self._tokens = sorted(range(len(table)), key=table.__getitem__)
        self._sorted_bytes = [table[token] for token in self._tokens]
        self._longest = max(map(len, table))
        self._last: tuple[Sequence[int], list[HealingCandidate]] = ([], [])  # prompts are often repeated

    def heal(self, prompt: Sequence[int], sampling: SamplingConfig, stream: int) -> tuple[list[int], bytes]:
        """Draw one candidate; return its tokens, and its bytes beyond the prompt's end."""
        if self._last[0] != prompt:
            self._last = (list(prompt), self.candidates(prompt))
        candidates = self._last[1]
        if len(candidates) == 1:
            chosen = candidates[0]
        else:
            uniform = np.random.Generator(np.random.PCG64([sampling.seed, stream, _DRAW])).random()
            chosen = candidates[self._sample_token([c.log_probability for c in candidates], sampling, uniform)]
        return [*prompt[: chosen.n_kept], *chosen.replacement], chosen.suffix

    def candidates(self, prompt: Sequence[int]) -> list[HealingCandidate]:
        """Return all candidates; only the prompt itself if no longer token begins with its last bytes."""
        prompt = list(prompt)
        unchanged = HealingCandidate(len(prompt), [], b"", 0.0)
        longer = {kept: tokens for kept, rest in self._endings(prompt) if (tokens := self._longer_tokens(rest))}
        if not longer:
            return [unchanged]
        first = min(longer)
        logits = self._predict([prompt[:kept] for kept in range(first, len(prompt))])
        if not np.isfinite(logits).all():  # of damaged weights
            return [unchanged]
        candidates, log_probability = [], 0.0  # of the prompt's tokens from `first` on
        for kept, row in enumerate(_log_softmax(logits), first):
            rest = sum(len(self._table[token]) for token in prompt[kept:])
            candidates += [
                HealingCandidate(kept, [token], self._table[token][rest:], log_probability + float(row[token]))
                for token in longer.get(kept, [])
            ]
            log_probability += float(row[prompt[kept]])
        return [*candidates, unchanged._replace(log_probability=log_probability)]

    def _endings(self, prompt: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield how many tokens of `prompt` stay and the bytes of the others: the last one, the last two, …"""
        rest = b""
        for kept in range(len(prompt) - 1, max(-1, len(prompt) - 1 - _MAX_REPLACED), -1):
            rest = self._table[prompt[kept]] + rest
            if len(rest) >= self._longest:
                return
            yield kept, rest

    def _longer_tokens(self, beginning: bytes) -> list[int]:
        """Return the tokens whose bytes begin with `beginning` and are longer."""
        begin = end = bisect_right(self._sorted_bytes, beginning)
        while end < len(self._sorted_bytes) and self._sorted_bytes[end].startswith(beginning):
            end += 1
        return self._tokens[begin:end]


def _log_softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result
