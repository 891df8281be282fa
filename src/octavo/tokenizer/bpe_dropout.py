"""BPE-dropout (Provilkov et al., 2020): the same text cut differently in every epoch.

Each merge is passed over with some probability, so a word is now and then spelt in smaller pieces. A model
that goes through a short text dozens of times then learns what its tokens are made of, and memorises less.
Here every distinct word is cut in a number of ways once, and an epoch draws one of them for each place where
the word stands: an epoch's tokens are a function of (seed, epoch), made in milliseconds.
"""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from octavo.tokenizer.byte_bpe import ByteBPE
from octavo.tokenizer.chunks import chunks

_WAYS = 8  # to cut each word
_CUT, _DRAW = 0x637574, 0x64726177  # keep these draws apart from each other and from other uses of the seed

Ids = npt.NDArray[np.int64]


class BPEDropout:
    """Cuts one text, given as documents, at random; `rate` is the chance that a merge is passed over."""

    def __init__(self, tokenizer: ByteBPE, documents: Sequence[str], rate: float, seed: int) -> None:
        self._seed = seed
        words: dict[str, int] = {}
        places: list[int] = []
        split = tokenizer.pipeline.pre_tokenizer.pre_tokenize_str
        for document in documents:
            places.append(-1)
            for chunk in chunks(document):
                places += [words.setdefault(word, len(words)) for word, _ in split(chunk)]
        # The start token stands for itself: the last "word", with one way to write it.
        start = len(words)
        self._places = np.array(places, dtype=np.int64)
        self._places[self._places < 0] = start
        random = np.random.Generator(np.random.PCG64([_CUT, seed]))
        spelt = [word for word in words for _ in range(_WAYS)]
        tokens, lengths = _merge(tokenizer, spelt, rate, random)
        assert tokenizer.start_id is not None
        self._tokens = np.append(tokens, tokenizer.start_id)
        self._lengths = np.concatenate([lengths, np.ones(_WAYS, dtype=np.int64)])
        self._begins = np.minimum(self._lengths.cumsum() - self._lengths, len(tokens))

    def epoch(self, epoch: int) -> Ids:
        """The token ids of the whole text, each document after its start token, cut as in `epoch`."""
        random = np.random.Generator(np.random.PCG64([_DRAW, self._seed, epoch]))
        chosen = self._places * _WAYS + random.integers(_WAYS, size=len(self._places))
        lengths = self._lengths[chosen]
        ends = lengths.cumsum()
        shift = np.repeat(self._begins[chosen] - (ends - lengths), lengths)
        cut: Ids = self._tokens[np.arange(ends[-1]) + shift]
        return cut


def _merge(tokenizer: ByteBPE, words: Sequence[str], rate: float, random: np.random.Generator) -> tuple[Ids, Ids]:
    """Cut `words` (in the byte letters of the vocabulary); all their tokens, and how many each has.

    One sweep over all words for each merge, in the order of their ranks: a merge only makes pairs that were
    learned later, so with a rate of 0 this is the tokenizer itself.
    """
    model = json.loads(tokenizer.pipeline.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    letters = "".join(words)
    tokens = np.array([vocabulary[letter] for letter in letters], dtype=np.int32)
    word = np.repeat(np.arange(len(words), dtype=np.int32), [len(w) for w in words])
    for left, right in model["merges"]:
        first, second = vocabulary[left], vocabulary[right]
        hits = np.flatnonzero((tokens[:-1] == first) & (tokens[1:] == second) & (word[:-1] == word[1:]))
        hits = hits[random.random(len(hits), dtype=np.float32) >= rate]
        if first == second:
            hits = _without_overlaps(hits)
        if len(hits):
            tokens[hits] = vocabulary[left + right]
            kept = np.ones(len(tokens), dtype=bool)
            kept[hits + 1] = False
            tokens, word = tokens[kept], word[kept]
    return tokens.astype(np.int64), np.bincount(word, minlength=len(words)).astype(np.int64)


def _without_overlaps(hits: Ids) -> Ids:
    """Of hits that follow each other directly (aaaa), every second: a token is merged once."""
    begins_run = np.diff(hits, prepend=-2) > 1
    first_of_run = np.maximum.accumulate(np.where(begins_run, np.arange(len(hits)), 0))
    apart: Ids = hits[(np.arange(len(hits)) - first_of_run) % 2 == 0]
    return apart
