"""Measure the loss of each token of a text exactly once, in sliding windows.

A window has `context_length` tokens. The next window begins `stride` tokens later and scores only the tokens that no
window has scored before, so after the first window each token is predicted from at least context_length - stride
tokens. B windows, T positions, V vocabulary.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from octavo.config.inference import default_stride
from octavo.config.shapes import windows_at_once
from octavo.data.windows import with_bos
from octavo.model import Transformer
from octavo.model.taps import Tap
from octavo.system.progress import ProgressCallback, no_progress

Nats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The predictions `begin` to `end` (exclusive) of a document; those from `scored` on are scored."""

    document: int
    begin: int
    scored: int
    end: int

    @property
    def scored_positions(self) -> slice:
        """Return the positions within the window that are scored."""
        return slice(self.scored - self.begin, self.end - self.begin)


def sliding_windows(document: int, predictions: int, context_length: int, stride: int) -> Iterator[Window]:
    """Yield the windows of a document; each of its predictions is scored in one of them."""
    begin, done = 0, 0
    while done < predictions:
        end = min(begin + context_length, predictions)
        yield Window(document, begin, done, end)
        begin, done = begin + stride, end


@dataclass(frozen=True)
class ScoringBatch:
    """The logits and targets of some windows.

    Row b belongs to ``windows[b]``. Its positions ``windows[b].scored_positions`` are scored; they are the tokens
    ``tokens[b]`` of the document. Shorter windows are padded at their end.
    """

    windows: Sequence[Window]
    tokens: Sequence[slice]
    logits: torch.Tensor  # (B, T, V), in fp32
    targets: torch.Tensor  # (B, T)

    def nats(self, logits: torch.Tensor | None = None) -> torch.Tensor:
        """Return the loss at every position, (B, T), for the model's logits or for other `logits` (B, T, V)."""
        logits = self.logits if logits is None else logits
        return F.cross_entropy(logits.flatten(0, 1), self.targets.flatten(), reduction="none").view_as(self.targets)


@torch.inference_mode()
def scoring_batches(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *,
    bos_id: int | None,
    context_length: int,
    stride: int = 0,
    batch_size: int = 0,
    tap: Tap | None = None,
    watch: ProgressCallback = no_progress,
) -> Iterator[ScoringBatch]:
    """Run the model on all windows of the documents; yield them in batches.

    Args:
        model: the model.
        documents: token ids without BOS token.
        bos_id: id of the BOS token, which is prepended to each document; None: the first token is not predicted.
        context_length: tokens of a window.
        stride: tokens between the beginnings of two windows; 0: half the context length.
        batch_size: windows of a batch; 0: as many as :func:`octavo.config.shapes.windows_at_once` allows.
        tap: sees, and may change, the activations of each batch (padding included) before the batch is yielded.
        watch: is called with the fraction that is done.
    """
    stride = stride or default_stride(context_length)
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
        # Shorter windows are padded at their end, which causal attention does not see.
        shape = len(group), max(w.end - w.begin for w in group)
        x, y = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
        for row, w in enumerate(group):
            # The input of a prediction is the token before it; with_bos() adds the BOS token of position 0.
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
    """Measure the loss of each token of each document, in nats; the arguments are those of :func:`scoring_batches`.

    Without a BOS token no token precedes the first one of a document, so its loss is that of the uniform baseline.

    Returns:
        For each document the losses of its tokens, (N,), computed in fp32 and stored in float64.
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
