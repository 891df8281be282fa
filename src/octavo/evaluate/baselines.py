"""Fit the baselines: simple models that learn from the same training split and score the same text."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

import numpy as np
import numpy.typing as npt

from octavo.evaluate.compressors import COMPRESSORS, Compressor
from octavo.evaluate.documents import Documents
from octavo.evaluate.kneser_ney import MAX_ORDER, CharacterNgrams, KneserNey, Symbols
from octavo.evaluate.parallel import ProgressMeter, run_parallel
from octavo.system.progress import ProgressCallback, no_progress

MAX_LEARNED = 4_000_000  # characters, and tokens, to learn from: more would take minutes
_FEW = 500  # bytes that a text adds: with fewer, one byte is as much as baselines differ by
_NGRAM_SECONDS = 1.5e-6  # about, for each byte learned: weighs the work for the progress

Kind = Literal["uniform", "unigram", "bigram", "kneser-ney", "compressor"]
TOKEN_KINDS = ("uniform", "unigram", "bigram")  # they predict the run's own tokens


@dataclass(frozen=True)
class Baseline:
    """The score of a baseline on a text."""

    name: str
    kind: Kind
    nats_per_character: float
    bits_per_character: float
    nats_per_token: float | None  # of the run's tokenizer; None: the baseline does not predict tokens
    seconds: float  # of one core, to learn and to score
    note: str  # a limit of the figure; "": none


@dataclass(frozen=True)
class _Cost:
    """The total loss of a baseline on the text."""

    name: str
    kind: Kind
    nats: float
    seconds: float
    note: str = ""


def fit_baselines(
    learned: Documents,
    scored: Documents,
    *,
    vocab_size: int,
    bos_id: int | None,
    watch: ProgressCallback = no_progress,
) -> list[Baseline]:
    """Learn from `learned` and score every character of `scored`; return the baselines, the worst first.

    n-gram models know where a document begins. Compressors read the documents one after the other, and also learn
    from the text that they score. A compressor whose package cannot be imported is left out. If the ends of documents
    are scored, each end is one character for every baseline, one that the texts do not contain.

    Args:
        learned: the documents to learn from.
        scored: the documents to score, with one character or more.
        vocab_size: number of tokens of the vocabulary.
        bos_id: id of the BOS token, which is predicted only if ends are scored; None: the tokenizer has none.
        watch: is called with the fraction of the work that is done.
    """
    if scored.ends and bos_id is not None:
        mark = _unused_character([*learned.texts, *scored.texts])
        learned, scored = learned.with_ends(bos_id, mark), scored.with_ends(bos_id, mark)
        bos_id = None  # it is predicted
    primer = "".join(learned.texts).encode()
    both = memoryview(primer + "".join(scored.texts).encode())
    characters, tokens = sum(map(len, scored.texts)), sum(map(len, scored.tokens))
    usable = [compressor for compressor in COMPRESSORS if not compressor.unavailable_reason]
    weights = [_seconds(compressor, len(primer) + len(both)) for compressor in usable]
    meter = ProgressMeter(_NGRAM_SECONDS * len(primer) + sum(weights))
    tasks: list[Callable[[], list[_Cost]]] = [
        *(partial(_compressed, compressor, both, len(primer), meter) for compressor in usable),
        partial(_character_ngrams, learned.texts, scored.texts, _NGRAM_SECONDS * len(primer), meter),
        partial(_of_tokens, learned.tokens, scored.tokens, vocab_size, bos_id),
    ]
    costs = [cost for costs in run_parallel(tasks, meter, watch) for cost in costs]
    return [
        Baseline(
            name=cost.name,
            kind=cost.kind,
            nats_per_character=cost.nats / characters,
            bits_per_character=cost.nats / characters / math.log(2),
            nats_per_token=cost.nats / tokens if cost.kind in TOKEN_KINDS else None,
            seconds=cost.seconds,
            note="; ".join(note for note in (cost.note, _learned(cost.kind, learned)) if note),
        )
        for cost in sorted(costs, key=lambda cost: -cost.nats)
    ]


def _unused_character(texts: Sequence[str]) -> str:
    """Return a character that no text contains: a control character, which is one byte, or one for private use."""
    candidates = map(chr, chain(range(32), range(0xE000, 0xF900), range(0xF0000, 0xFFFFE)))
    return next(character for character in candidates if not any(character in text for text in texts))


def _learned(kind: Kind, learned: Documents) -> str:
    """Return what a baseline learned from, if that is not all of the training split."""
    if learned.complete or kind == "uniform":
        return ""
    amount = f"{sum(map(len, learned.tokens if kind in TOKEN_KINDS else learned.texts)):,}"
    return f"learned from the last {amount} {'tokens' if kind in TOKEN_KINDS else 'characters'} of the training split"


def _of_tokens(
    learned: Sequence[Symbols], scored: Sequence[Symbols], vocab_size: int, bos_id: int | None
) -> list[_Cost]:
    """Score the uniform, the unigram and the bigram baseline of tokens."""
    began = time.thread_time()
    tokens = np.concatenate(scored)
    counts = np.bincount(np.concatenate([np.empty(0, np.int64), *learned]), minlength=vocab_size)
    unigram = -float(np.log(unigram_probabilities(counts, bos_id)[tokens]).sum())
    counted = time.thread_time()
    bigram = sum(float(block.sum()) for block in KneserNey.fit(learned, vocab_size, 2).nats(scored))
    return [
        _Cost(f"uniform over {vocab_size:,} tokens", "uniform", len(tokens) * math.log(vocab_size), 0.0),
        _Cost("unigram of tokens", "unigram", unigram, counted - began),
        _Cost("bigram of tokens", "bigram", bigram, time.thread_time() - counted),
    ]


def unigram_probabilities(counts: npt.NDArray[np.integer], bos_id: int | None) -> npt.NDArray[np.float64]:
    """Return the probability of each token, (V,), with add-one smoothing, so that no token is impossible.

    The BOS token, if there is one, is never predicted and has the probability 0.
    """
    smoothed = counts + 1.0
    if bos_id is not None:
        smoothed[bos_id] = 0.0
    probabilities: npt.NDArray[np.float64] = smoothed / smoothed.sum()
    return probabilities


def _character_ngrams(
    learned: Sequence[str], scored: Sequence[str], seconds: float, meter: ProgressMeter
) -> list[_Cost]:
    began = time.thread_time()
    ngrams = CharacterNgrams.fit(learned, lambda order: meter.add(seconds / (2 * MAX_ORDER)))
    nats = 0.0
    for block in ngrams.nats(scored):
        nats += float(block.sum())
        meter.add(0)  # lets a stopped meter end the task
    name = f"Kneser-Ney order {ngrams.model.order} (characters)"
    return [_Cost(name, "kneser-ney", nats, time.thread_time() - began)]


def _compressed(compressor: Compressor, both: memoryview, primer: int, meter: ProgressMeter) -> list[_Cost]:
    """Measure what the text adds to the compressed size of the primer, the first `primer` bytes of `both`."""
    began = time.thread_time()

    def on_slice(size: int) -> None:
        meter.add(_seconds(compressor, size))

    primer_size, size = (compressor.size(data, len(both), on_slice) for data in (both[:primer], both))
    added = max(1, size - primer_size)  # a copy of the primer may fit into the bits left of its last byte
    note = "a rough figure: the text adds only a few bytes" if added < _FEW else ""
    return [_Cost(compressor.name, "compressor", added * math.log(256), time.thread_time() - began, note)]


def _seconds(compressor: Compressor, size: int) -> float:
    return compressor.seconds_per_mebibyte * size / 2**20
