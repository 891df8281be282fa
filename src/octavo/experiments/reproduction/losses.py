"""The closing perplexity report: done as the course report did it, and done right.

The report sums the loss over a sample of training windows, but divides by the number of all training windows.
"""

import math
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from octavo.data import Windows
from octavo.evaluate.baselines import unigram_probabilities
from octavo.experiments.reproduction.facts import part_windows
from octavo.experiments.reproduction.reported import SAMPLE_WINDOWS
from octavo.model import Transformer
from octavo.pipeline.run import Run
from octavo.system.progress import ProgressCallback, no_progress
from octavo.training.step import mean_nats
from octavo.training.validation import spread_indices


@dataclass(frozen=True)
class BatchLosses:
    """The mean loss of each batch, nats per token, and how many windows it has."""

    losses: tuple[float, ...]
    windows: tuple[int, ...]

    @cached_property
    def sum(self) -> float:
        """Over the windows, each counted with its mean over tokens."""
        return math.fsum(loss * n for loss, n in zip(self.losses, self.windows, strict=True))

    @property
    def mean(self) -> float:
        """Over the windows."""
        return self.sum / sum(self.windows)

    @property
    def mean_of_batches(self) -> float:
        """Over the batches, the last and smaller one counted as much as the others."""
        return math.fsum(self.losses) / len(self.losses)

    @property
    def standard_deviation(self) -> float:
        """Of the batches' losses about their mean (divided by their number)."""
        return float(np.std(self.losses))


@dataclass(frozen=True)
class Perplexities:
    """Validation over all windows; the training sample; and what token frequencies alone would score."""

    validation: BatchLosses
    validation_seconds: float
    sample: BatchLosses
    train_windows: int
    unigram_train: float  # entropy of the training part's token frequencies, nats
    unigram_validation: float  # what those frequencies score on the validation part, nats per token

    @property
    def training_as_reported(self) -> float:
        """The sum over the sample, divided by the number of all training windows."""
        return self.sample.sum / self.train_windows


def measure_losses(run: Run, watch: ProgressCallback = no_progress) -> Perplexities:
    """Score all validation windows in order, and a sample of the training windows, evenly spread.

    Without dropout, in fp32. `watch` is told the share that is done.
    """
    model, batch_size = run.model, run.config.data.batch_size
    validation, train = part_windows(run, "validation"), part_windows(run, "train")
    everything, sample = spread_indices(validation, 0), spread_indices(train, SAMPLE_WINDOWS)
    share = len(everything) / (len(everything) + len(sample))
    began = time.perf_counter()
    losses = batch_losses(model, validation, everything, batch_size, lambda done: watch(done * share))
    seconds = time.perf_counter() - began
    sampled = batch_losses(model, train, sample, batch_size, lambda done: watch(share + done * (1 - share)))
    ids, held_out = run.splits["train"].ids, run.splits["validation"].ids
    entropy, score = unigram(ids, held_out, run.tokenizer.vocab_size, run.tokenizer.bos_id)
    return Perplexities(losses, seconds, sampled, len(train), entropy, score)


@torch.inference_mode()
def batch_losses(
    model: Transformer,
    windows: Windows,
    indices: npt.NDArray[np.int64],
    batch_size: int,
    watch: ProgressCallback = no_progress,
) -> BatchLosses:
    """The losses of the windows `indices`, `batch_size` at a time in that order; the last batch is what is left."""
    losses, sizes = [], []
    for start in range(0, len(indices), batch_size):
        watch(start / len(indices))
        inputs, targets = windows.gather(indices[start : start + batch_size])
        losses.append(mean_nats(model(inputs), targets).item())
        sizes.append(len(inputs))
    return BatchLosses(tuple(losses), tuple(sizes))


def unigram(
    train: npt.NDArray[np.integer], validation: npt.NDArray[np.integer], vocab_size: int, bos_id: int | None = None
) -> tuple[float, float]:
    """Entropy of the training tokens' frequencies, and what they score on the validation tokens, in nats.

    Start tokens count for nothing; the score is that of the baseline, which leaves a little for tokens never seen.
    """
    counts, seen = (np.bincount(ids, minlength=vocab_size) for ids in (train, validation))
    if bos_id is not None:
        counts[bos_id] = seen[bos_id] = 0
    p, q, scored = counts[counts > 0] / counts.sum(), unigram_probabilities(counts, bos_id), seen > 0
    return float(-(p * np.log(p)).sum()), float(-(seen[scored] * np.log(q[scored])).sum() / seen.sum())
