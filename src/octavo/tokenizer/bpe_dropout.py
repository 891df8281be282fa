"""BPE-dropout (Provilkov et al., 2020): tokenize the same text differently in every epoch.

Each merge is skipped with some probability, so that words are sometimes split into smaller tokens. A model that reads
a short text dozens of times then learns the spelling of its tokens, and memorises less. Here every distinct word is
segmented several times once, and an epoch draws one segmentation for each occurrence of the word: an epoch's tokens
are a function of (seed, epoch) and take milliseconds.

A script without spaces, or a text such as DNA, has few words that occur twice. Beyond a limit the rarest words are
therefore segmented token by token: a merge within one of the tokenizer's tokens may be skipped, but no token extends
across two of them. That bounds time and memory by the size of the vocabulary.
"""

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.tokenizer.chunking import MAX_RUN_LENGTH, chunks
from octavo.tokenizer.kinds import ByteBPE

_SEGMENTATIONS = 8  # of each word
_MAX_LETTERS = 1 << 20  # in the distinct words that are segmented as words: a few seconds
_GROUP_LETTERS = 1 << 21  # merged at once, in all segmentations: some 100 MB
_BLOCK_WORDS = 1 << 18  # of an epoch assembled at once
_CUT, _DRAW = 0x637574, 0x64726177  # keep these random streams apart from each other and from other uses of the seed

Ids = npt.NDArray[np.integer]
_Indices = npt.NDArray[np.int32]


class BPEDropout:
    """Tokenize one text with BPE-dropout.

    Args:
        tokenizer: the tokenizer of `documents`.
        documents: the text as token ids, without BOS tokens.
        rate: the probability that a merge is skipped.
        seed: of the random draws.
        watch: receives the fraction of the preparation that is done.
    """

    def __init__(
        self,
        tokenizer: ByteBPE,
        documents: Iterable[Ids],
        rate: float,
        seed: int,
        watch: ProgressCallback = no_progress,
    ) -> None:
        assert tokenizer.bos_id is not None
        self._seed, self._kind = seed, np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
        ids, words, self._places = _index_words(tokenizer, documents, watch)
        words, self._places = _limit_words(tokenizer, words, self._places, ids)
        spelt = [word for word in words for _ in range(_SEGMENTATIONS)]
        tokens, lengths = _merge(tokenizer, spelt, rate, seed, watch)
        # The BOS token is the last "word", whose segmentations are all the token itself.
        self._tokens = np.append(tokens, tokenizer.bos_id).astype(self._kind)
        self._lengths = np.concatenate([lengths, np.ones(_SEGMENTATIONS, dtype=np.int32)])
        self._begins = np.minimum(self._lengths.cumsum() - self._lengths, len(tokens))

    def epoch(self, epoch: int) -> Ids:
        """Return the token ids of the text in `epoch`, each document after its BOS token."""
        random = np.random.Generator(np.random.PCG64([_DRAW, self._seed, epoch]))
        blocks = [self._places[start : start + _BLOCK_WORDS] for start in range(0, len(self._places), _BLOCK_WORDS)]
        return np.concatenate([self._draw(block, random) for block in blocks])

    def _draw(self, words: _Indices, random: np.random.Generator) -> Ids:
        chosen = words.astype(np.int64) * _SEGMENTATIONS + random.integers(_SEGMENTATIONS, size=len(words))
        lengths = self._lengths[chosen]
        ends = lengths.cumsum()
        shift = np.repeat(self._begins[chosen] - (ends - lengths), lengths)
        tokens: Ids = self._tokens[np.arange(ends[-1]) + shift]
        return tokens


def _index_words(
    tokenizer: ByteBPE, documents: Iterable[Ids], watch: ProgressCallback
) -> tuple[Ids, list[str], _Indices]:
    """Return all token ids, the distinct words in byte letters, and the text as indices of words, in which the index
    after the last word begins a document."""
    split = tokenizer.pipeline.pre_tokenizer.pre_tokenize_str
    words: dict[str, int] = {}
    places, kept = array("i"), []
    for document in documents:
        kept.append(np.asarray(document))
        places.append(-1)
        for chunk in chunks(tokenizer.decode(document)):
            places.extend([words.setdefault(word, len(words)) for word, _ in split(chunk)])
            watch(0.0)  # so that it can be stopped
    numbered = np.frombuffer(places, dtype=np.int32).copy()
    numbered[numbered < 0] = len(words)
    return np.concatenate([np.empty(0, np.int32), *kept]), list(words), numbered


def _limit_words(tokenizer: ByteBPE, words: list[str], places: _Indices, ids: Ids) -> tuple[list[str], _Indices]:
    """Replace the rarest and the longest words by their tokens, until the distinct words have at most _MAX_LETTERS
    letters."""
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    if lengths.sum() <= _MAX_LETTERS:
        return words, places
    counts = np.bincount(places, minlength=len(words) + 1)[:-1]
    frequent = np.lexsort((np.arange(len(words)), -counts, lengths > MAX_RUN_LENGTH))
    whole = np.zeros(len(words) + 1, dtype=bool)
    whole[frequent] = (lengths[frequent].cumsum() <= _MAX_LETTERS) & (lengths[frequent] <= MAX_RUN_LENGTH)
    whole[-1] = True  # the BOS token
    # A text never contains the BOS token, so its entry is never used.
    letters = ["" if i == tokenizer.bos_id else tokenizer.token_text(i) for i in range(tokenizer.vocab_size)]
    token_ends = np.array([len(piece) for piece in letters], dtype=np.int64)[ids].cumsum()
    word_ends = np.append(lengths, 0)[places].cumsum()
    last = np.searchsorted(token_ends, word_ends, side="right")  # tokens up to the end of each word
    first = np.append(0, last[:-1])
    kept = whole[places]
    parts = np.where(kept, 1, last - first)
    # New indices: first the words that stay, then a "word" for each token, last the BOS token.
    numbers = whole.cumsum() - 1
    numbers[-1] = whole.sum() - 1 + len(letters)
    place = np.repeat(np.arange(len(places)), parts)
    inside = np.arange(len(place)) - np.repeat(parts.cumsum() - parts, parts)
    token = ids[np.minimum(first[place] + inside, len(ids) - 1)]
    expanded = np.where(kept[place], numbers[places[place]], whole.sum() - 1 + token)
    return [word for word, stays in zip(words, whole, strict=False) if stays] + letters, expanded.astype(np.int32)


def _merge(
    tokenizer: ByteBPE, words: Sequence[str], rate: float, seed: int, watch: ProgressCallback
) -> tuple[Ids, npt.NDArray[np.int32]]:
    """Segment `words` (in the byte letters of the vocabulary); return all tokens, and the number per word."""
    merges = _Merges(tokenizer)
    cuts, groups = [], list(_groups(words))
    for number, group in enumerate(groups):
        own = [number] if number else []
        random = np.random.Generator(np.random.PCG64([_CUT, seed, *own]))
        part = subrange(watch, number / len(groups), (number + 1) / len(groups))
        cuts.append(merges.cut(group, rate, random, part))
    tokens, lengths = zip(*cuts, strict=True)
    return np.concatenate(tokens), np.concatenate(lengths)


def _groups(words: Sequence[str]) -> Iterator[Sequence[str]]:
    start = letters = 0
    for end, word in enumerate(words):
        if letters > _GROUP_LETTERS:
            yield words[start:end]
            start, letters = end, 0
        letters += len(word)
    yield words[start:]


class _Merges:
    """The merges of a tokenizer, in the order of their ranks."""

    def __init__(self, tokenizer: ByteBPE) -> None:
        model = json.loads(tokenizer.pipeline.to_str())["model"]
        self._vocabulary: dict[str, int] = model["vocab"]
        named = [(self._vocabulary[a], self._vocabulary[b], self._vocabulary[a + b]) for a, b in model["merges"]]
        self._merges, self._size = named, len(self._vocabulary)
        codes = np.array([a * self._size + b for a, b, _ in named], dtype=np.int64)
        self._ranks = np.argsort(codes)
        self._codes = codes[self._ranks]

    def cut(
        self, words: Sequence[str], rate: float, random: np.random.Generator, watch: ProgressCallback
    ) -> tuple[Ids, npt.NDArray[np.int32]]:
        """Merge the letters of `words`, where each merge is skipped with probability `rate`.

        Merges are applied in the order of their ranks, each at all of its positions in order. A merge only creates
        pairs that were learned later, so a rate of 0 gives the same tokens as the tokenizer. Each pair waits at the
        rank of its merge. `after` and `before` are the next and the previous remaining letter of the same word, -1 at
        its ends.
        """
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        tokens = np.array([self._vocabulary[letter] for letter in "".join(words)], dtype=np.int32)
        places = np.arange(len(tokens), dtype=np.int32)
        before, after = places - 1, places + 1
        ends = lengths.cumsum()
        after[ends - 1], before[ends - lengths] = -1, -1
        waiting: list[list[_Indices]] = [[] for _ in self._merges]
        self._wait(waiting, tokens, after, places[after >= 0], -1)
        for rank, (first, second, merged) in enumerate(self._merges):
            watch(rank / len(self._merges))
            if not waiting[rank]:
                continue
            hits = np.unique(np.concatenate(waiting[rank]))
            waiting[rank] = []
            hits = hits[tokens[hits] == first]
            hits = hits[after[hits] >= 0]
            hits = hits[tokens[after[hits]] == second]
            hits = hits[random.random(len(hits), dtype=np.float32) >= rate]
            if first == second:
                hits = _drop_overlaps(hits, after)
            if not len(hits):
                continue
            gone = after[hits]
            beyond = after[gone]
            tokens[hits], tokens[gone], after[hits] = merged, -1, beyond
            has_next = beyond >= 0
            before[beyond[has_next]] = hits[has_next]
            left = before[hits]
            self._wait(waiting, tokens, after, np.concatenate([left[left >= 0], hits[has_next]]), rank)
        kept = tokens >= 0
        number = np.repeat(np.arange(len(words)), lengths)
        return tokens[kept], np.bincount(number[kept], minlength=len(words)).astype(np.int32)

    def _wait(self, waiting: list[list[_Indices]], tokens: Ids, after: _Indices, places: _Indices, rank: int) -> None:
        """Add the pairs that begin at `places` to the lists of their merges, if these come after `rank`."""
        if not len(self._codes):
            return
        codes = tokens[places].astype(np.int64) * self._size + tokens[after[places]]
        found = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        known = np.flatnonzero(self._codes[found] == codes)
        ranks = self._ranks[found[known]]
        later = ranks > rank
        known, ranks = known[later], ranks[later]
        order = np.argsort(ranks, kind="stable")
        ranks, sorted_places = ranks[order], places[known[order]]
        for end in np.flatnonzero(np.diff(ranks, append=-1)) + 1:
            begin = np.searchsorted(ranks, ranks[end - 1])
            waiting[ranks[begin]].append(sorted_places[begin:end])


def _drop_overlaps(hits: _Indices, after: _Indices) -> _Indices:
    """Keep every second of adjacent hits (as in aaaa), as a token is merged only once."""
    begins_run = np.ones(len(hits), dtype=bool)
    begins_run[1:] = hits[1:] != after[hits[:-1]]
    first_of_run = np.maximum.accumulate(np.where(begins_run, np.arange(len(hits)), 0))
    apart: _Indices = hits[(np.arange(len(hits)) - first_of_run) % 2 == 0]
    return apart
