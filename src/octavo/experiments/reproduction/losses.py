"""The course report's closing perplexities, computed as the report did it and correctly.

The report sums the loss over a sample of training windows but divides by the number of all training windows.
"""

import math
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from octavo.data.windows import Windows
from octavo.evaluate.baselines import unigram_probabilities
from octavo.experiments.reproduction.facts import split_windows
from octavo.experiments.reproduction.reported import SAMPLE_WINDOWS
from octavo.model import Transformer
from octavo.pipeline.run import Run
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.training.step import mean_nats
from octavo.training.validation import spread_indices


@dataclass(frozen=True)
class BatchLosses:
    """The mean loss of each batch in nats per token, and its number of windows."""

    losses: tuple[float, ...]
    windows: tuple[int, ...]

    @cached_property
    def sum(self) -> float:
        """Return the sum of the windows' mean losses."""
        return math.fsum(loss * n for loss, n in zip(self.losses, self.windows, strict=True))

    @property
    def mean(self) -> float:
        """Return the mean over the windows."""
        return self.sum / sum(self.windows)

    @property
    def mean_of_batches(self) -> float:
        """Return the mean over the batches, in which the last and smaller batch counts as much as the others."""
        return math.fsum(self.losses) / len(self.losses)

    @property
    def standard_deviation(self) -> float:
        """Return the (population) standard deviation of the batch losses."""
        return float(np.std(self.losses))


@dataclass(frozen=True)
class Perplexities:
    """Losses on the validation split and on the training sample, and those of the unigram baseline."""

    validation: BatchLosses  # of all windows
    validation_seconds: float
    sample: BatchLosses
    train_windows: int
    unigram_train: float  # entropy of the token frequencies of the training split, nats
    unigram_validation: float  # loss of those frequencies on the validation split, nats per token

    @property
    def training_as_reported(self) -> float:
        """Return the sum over the sample, divided by the number of all training windows."""
        return self.sample.sum / self.train_windows


def measure_losses(run: Run, watch: ProgressCallback = no_progress) -> Perplexities:
    """Score all validation windows in order, and an evenly spaced sample of the training windows.

    Scores are without dropout, in fp32.
    """
    model, batch_size = run.model, run.config.data.batch_size
    validation, train = split_windows(run, "validation"), split_windows(run, "train")
    everything, sample = spread_indices(validation, 0), spread_indices(train, SAMPLE_WINDOWS)
    middle = len(everything) / (len(everything) + len(sample))
    began = time.perf_counter()
    losses = batch_losses(model, validation, everything, batch_size, subrange(watch, 0, middle))
    seconds = time.perf_counter() - began
    sample_losses = batch_losses(model, train, sample, batch_size, subrange(watch, middle, 1))
    ids, held_out = run.splits["train"].ids, run.splits["validation"].ids
    entropy, score = unigram_losses(ids, held_out, run.tokenizer.vocab_size, run.tokenizer.bos_id)
    return Perplexities(losses, seconds, sample_losses, len(train), entropy, score)


@torch.inference_mode()
def batch_losses(
    model: Transformer,
    windows: Windows,
    indices: npt.NDArray[np.int64],
    batch_size: int,
    watch: ProgressCallback = no_progress,
) -> BatchLosses:
    """Return the losses of the windows `indices`, in batches in that order; the last batch may be smaller."""
    losses, sizes = list[float](), list[int]()
    for inputs, targets in windows.batches(indices, batch_size):
        watch(sum(sizes) / len(indices))
        losses.append(mean_nats(model(inputs), targets).item())
        sizes.append(len(inputs))
    return BatchLosses(tuple(losses), tuple(sizes))


def unigram_losses(
    train: npt.NDArray[np.integer], validation: npt.NDArray[np.integer], vocab_size: int, bos_id: int | None = None
) -> tuple[float, float]:
    """Return the entropy of the training token frequencies, and their loss on the validation tokens, in nats.

    BOS tokens are not counted. The loss is that of the unigram baseline, whose smoothing gives unseen tokens some
    probability.
    """
    counts, occurrences = (np.bincount(ids, minlength=vocab_size) for ids in (train, validation))
    if bos_id is not None:
        counts[bos_id] = occurrences[bos_id] = 0
    p, q, scored = counts[counts > 0] / counts.sum(), unigram_probabilities(counts, bos_id), occurrences > 0
    entropy = float(-(p * np.log(p)).sum())
    return entropy, float(-(occurrences[scored] * np.log(q[scored])).sum() / occurrences.sum())
