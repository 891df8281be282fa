"""The loss of every token of a text, each exactly once, in sliding windows.

A window takes `context_length` tokens; the next begins `stride` tokens later and scores only what no window has
scored before: so every token after the first windows is predicted from at least context_length - stride tokens.
B windows, T positions, V vocabulary.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from octavo.config.shapes import windows_at_once
from octavo.data.windows import with_bos
from octavo.model import Transformer
from octavo.model.taps import Tap
from octavo.system.progress import ProgressCallback, no_progress

Nats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Predictions `begin` … `end` of document `document`, of which those from `scored` on count."""

    document: int
    begin: int
    scored: int
    end: int

    @property
    def scored_positions(self) -> slice:
        """The places within the window that count."""
        return slice(self.scored - self.begin, self.end - self.begin)


def sliding_windows(document: int, predictions: int, context_length: int, stride: int) -> Iterator[Window]:
    """Yield windows over one document in which each of its predictions counts once."""
    begin, done = 0, 0
    while done < predictions:
        end = min(begin + context_length, predictions)
        yield Window(document, begin, done, end)
        begin, done = begin + stride, end


@dataclass(frozen=True)
class ScoringBatch:
    """Windows side by side: what the model says at each of their places, and what came there.

    Row b belongs to ``windows[b]``; what counts of it is ``windows[b].counted``, and stands for the tokens
    ``tokens[b]`` of its document. Shorter windows are filled up behind.
    """

    windows: Sequence[Window]
    tokens: Sequence[slice]
    logits: torch.Tensor  # (B, T, V), in fp32
    targets: torch.Tensor  # (B, T)

    def nats(self, logits: torch.Tensor | None = None) -> torch.Tensor:
        """The loss at every place (B, T), of the model's logits or of others of their shape."""
        logits = self.logits if logits is None else logits
        return F.cross_entropy(logits.flatten(0, 1), self.targets.flatten(), reduction="none").view_as(self.targets)


@torch.inference_mode()
def scoring_batches(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *,
    bos_id: int | None,
    context_length: int,
    stride: int,
    batch_size: int = 0,
    tap: Tap | None = None,
    watch: ProgressCallback = no_progress,
) -> Iterator[ScoringBatch]:
    """Read all documents (ids without start token) in windows, `batch_size` at a time (0: as many as memory is
    reckoned for, see :func:`octavo.config.shapes.windows_at_once`); the last batch may be smaller.

    A `tap` is shown each batch whole, also what windows are filled up with, before the batch is yielded.
    """
    unpredicted = int(bos_id is None)  # tokens at the beginning of a document
    predictions = [max(0, len(ids) - unpredicted) for ids in documents]
    windows = chain.from_iterable(
        sliding_windows(index, predicted, context_length, stride) for index, predicted in enumerate(predictions)
    )
    if not batch_size:
        batch_size = windows_at_once(model.config, model.vocab_size, context_length, scores=tap is not None)
    done, total = 0, sum(predictions)
    while group := list(islice(windows, batch_size)):
        watch(done / total)
        done += sum(w.end - w.scored for w in group)
        longest = max(w.end - w.begin for w in group)  # shorter ones are filled up behind, where nothing sees it
        x, y = (
            torch.zeros(len(group), longest, dtype=torch.int64),
            torch.zeros(len(group), longest, dtype=torch.int64),
        )
        for row, w in enumerate(group):
            # What is predicted, and before it what is read; where nothing is, begun() puts the start token.
            begin, end = w.begin + unpredicted, w.end + unpredicted
            ids = torch.from_numpy(documents[w.document][max(0, begin - 1) : end].astype(np.int64))
            y[row, : end - begin] = ids[-(end - begin) :]
            x[row, int(begin == 0) : end - begin] = ids[:-1]
        tokens = [slice(unpredicted + w.scored, unpredicted + w.end) for w in group]
        yield ScoringBatch(group, tokens, model(with_bos(x, bos_id), tap=tap).float(), y)


@torch.inference_mode()
def token_losses(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *,
    bos_id: int | None,
    context_length: int,
    stride: int,
    batch_size: int = 0,
    tap: Tap | None = None,
    watch: ProgressCallback = no_progress,
) -> list[Nats]:
    """Nats of every token of every document (ids without start token), in fp32, summed in float64 by the caller.

    A `tap` may change what flows through the model. `watch` is told, now and then, the share that is done.

    Without a start token nothing comes before a document's first token: it is charged as by the uniform
    distribution, the best that can be said without having seen anything.
    """
    losses = [np.full(len(ids), math.log(model.vocab_size)) for ids in documents]
    for batch in scoring_batches(
        model,
        documents,
        bos_id=bos_id,
        context_length=context_length,
        stride=stride,
        batch_size=batch_size,
        tap=tap,
        watch=watch,
    ):
        nats = batch.nats().double().numpy()
        for row, (window, tokens) in enumerate(zip(batch.windows, batch.tokens, strict=True)):
            losses[window.document][tokens] = nats[row, window.scored_positions]
    return losses
