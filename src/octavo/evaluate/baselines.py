"""What a model has to beat: far simpler ones that learn from the same training part and score the same text."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from octavo.evaluate.compressors import COMPRESSORS, Compressor
from octavo.evaluate.documents import Documents
from octavo.evaluate.kneser_ney import MAX_ORDER, CharacterNgrams, KneserNey, Symbols
from octavo.evaluate.parallel import ProgressMeter, run_parallel
from octavo.system.progress import ProgressCallback, no_progress

MAX_LEARNED = 4_000_000  # characters, and tokens, to learn from at most: more would take minutes
_FEW = 500  # bytes that a text adds: one more or less is then as much as baselines may differ by
_NGRAM_SECONDS = 1.5e-6  # about, for each byte learned: to weigh the work

Kind = Literal["uniform", "unigram", "bigram", "kneser-ney", "compressor"]
TOKEN_KINDS = ("uniform", "unigram", "bigram")  # those that predict the run's own tokens


@dataclass(frozen=True)
class Baseline:
    """A simple model's score on a text."""

    name: str
    kind: Kind
    nats_per_character: float
    bits_per_character: float
    nats_per_token: float | None  # of the run's tokenizer; None: it does not predict tokens
    seconds: float  # of one core, to learn and to score
    note: str  # what one must know of it; "": nothing

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class _Cost:
    """What a model needs for the whole text."""

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
    """Learn from `learned` and score every character of `scored`, which is not empty; the worst comes first.

    n-gram models know where a document begins; compressors read the documents one after the other and learn also
    from what they score. A compressor whose package cannot be imported is left out. `watch` is told the share of
    the work that is done.
    """
    primer = "".join(learned.texts).encode()
    whole = memoryview(primer + "".join(scored.texts).encode())
    characters, tokens = sum(map(len, scored.texts)), sum(map(len, scored.tokens))
    usable = [compressor for compressor in COMPRESSORS if not compressor.unavailable_reason]
    weights = [_seconds(compressor, len(primer) + len(whole)) for compressor in usable]
    meter = ProgressMeter(_NGRAM_SECONDS * len(primer) + sum(weights))
    tasks: list[Callable[[], list[_Cost]]] = [
        *(partial(_compressed, compressor, whole, len(primer), meter) for compressor in usable),
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


def _learned(kind: Kind, learned: Documents) -> str:
    """What it learned from, if that is not the whole training part."""
    if learned.complete or kind == "uniform":
        return ""
    amount = f"{sum(map(len, learned.tokens if kind in TOKEN_KINDS else learned.texts)):,}"
    return f"learned from the last {amount} {'tokens' if kind in TOKEN_KINDS else 'characters'} of the training part"


def _of_tokens(
    learned: Sequence[Symbols], scored: Sequence[Symbols], vocab_size: int, bos_id: int | None
) -> list[_Cost]:
    """Uniform, unigram and bigram."""
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
    """The share of each token, which counts once more than it occurs, so that none is impossible: (V,).

    The start token, if there is one, is never predicted and gets nothing.
    """
    more = counts + 1.0
    if bos_id is not None:
        more[bos_id] = 0.0
    shares: npt.NDArray[np.float64] = more / more.sum()
    return shares


def _character_ngrams(
    learned: Sequence[str], scored: Sequence[str], seconds: float, meter: ProgressMeter
) -> list[_Cost]:
    began = time.thread_time()
    ngrams = CharacterNgrams.fit(learned, lambda order: meter.add(seconds / (2 * MAX_ORDER)))
    nats = 0.0
    for block in ngrams.nats(scored):
        nats += float(block.sum())
        meter.add(0)  # where it can be stopped
    name = f"Kneser-Ney order {ngrams.model.order} (characters)"
    return [_Cost(name, "kneser-ney", nats, time.thread_time() - began)]


def _compressed(compressor: Compressor, whole: memoryview, primer: int, meter: ProgressMeter) -> list[_Cost]:
    """What the text adds to the compressed size of the primer, the first bytes of the whole."""
    began = time.thread_time()

    def passed(size: int) -> None:
        meter.add(_seconds(compressor, size))

    alone, both = (compressor.size(data, len(whole), passed) for data in (whole[:primer], whole))
    added = max(1, both - alone)  # what stands in the primer can vanish in what is left of a byte
    note = "counts whole bytes, and here they are few: a rough measure" if added < _FEW else ""
    return [_Cost(compressor.name, "compressor", added * math.log(256), time.thread_time() - began, note)]


def _seconds(compressor: Compressor, size: int) -> float:
    return compressor.seconds_per_mebibyte * size / 2**20
