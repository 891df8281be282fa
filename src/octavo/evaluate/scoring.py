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
TokenDocuments = Sequence[npt.NDArray[np.integer]]


@dataclass(frozen=True)
class Window:
    """The predictions `begin` to `end` (exclusive) of a document; those from `scored` on are scored."""

    document: int
    begin: int
    scored: int
    end: int
    unpredicted: int = 0  # tokens at the beginning of the document, before its first prediction

    @property
    def scored_positions(self) -> slice:
        """Return the positions within the window that are scored."""
        return slice(self.scored - self.begin, self.end - self.begin)

    @property
    def scored_tokens(self) -> slice:
        """Return the tokens of the document that are scored."""
        return slice(self.unpredicted + self.scored, self.unpredicted + self.end)


def sliding_windows(
    document: int, predictions: int, context_length: int, stride: int, unpredicted: int = 0
) -> Iterator[Window]:
    """Yield the windows of a document; each of its predictions is scored in one of them."""
    begin, done = 0, 0
    while done < predictions:
        end = min(begin + context_length, predictions)
        yield Window(document, begin, done, end, unpredicted)
        begin, done = begin + stride, end


@dataclass(frozen=True)
class ScoringBatch:
    """The logits and targets of some windows.

    Row b belongs to ``windows[b]``, whose ``scored_positions`` are scored. Shorter windows are padded at their end.
    """

    windows: Sequence[Window]
    logits: torch.Tensor  # (B, T, V), in fp32
    targets: torch.Tensor  # (B, T)

    @property
    def n_scored(self) -> int:
        """Return the number of tokens that are scored."""
        return sum(window.end - window.scored for window in self.windows)

    def nats(self, logits: torch.Tensor | None = None) -> torch.Tensor:
        """Return the loss at every position, (B, T), for the model's logits or for other `logits` (B, T, V)."""
        logits = self.logits if logits is None else logits
        return F.cross_entropy(logits.flatten(0, 1), self.targets.flatten(), reduction="none").view_as(self.targets)


@dataclass(frozen=True)
class Scorer:
    """A model and the windows in which it reads documents, which are token ids without BOS token."""

    model: Transformer
    bos_id: int | None  # is prepended to each document; None: the first token is not predicted
    context_length: int  # tokens of a window
    stride: int = 0  # tokens between the beginnings of two windows; 0: half the context length
    batch_size: int = 0  # windows; 0: as many as :func:`octavo.config.shapes.windows_at_once` allows

    @torch.inference_mode()
    def batches(
        self, documents: TokenDocuments, *, tap: Tap | None = None, watch: ProgressCallback = no_progress
    ) -> Iterator[ScoringBatch]:
        """Run the model on all windows of the documents; yield them in batches.

        Args:
            documents: the documents.
            tap: sees, and may change, the activations of each batch (padding included) before the batch is yielded.
            watch: is called with the fraction that is done.
        """
        model, context_length = self.model, self.context_length
        stride, unpredicted = self.stride or default_stride(context_length), int(self.bos_id is None)
        predictions = [max(0, len(ids) - unpredicted) for ids in documents]
        windows = chain.from_iterable(
            sliding_windows(index, predicted, context_length, stride, unpredicted)
            for index, predicted in enumerate(predictions)
        )
        scores = tap is not None
        at_once = self.batch_size or windows_at_once(model.config, model.vocab_size, context_length, scores=scores)
        done, total = 0, sum(predictions)
        while group := list(islice(windows, at_once)):
            watch(done / total)
            # Shorter windows are padded at their end, which causal attention does not see.
            shape = len(group), max(w.end - w.begin for w in group)
            x, y = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
            for row, w in enumerate(group):
                # The input of a prediction is the token before it; with_bos() adds the BOS token of position 0.
                begin, end = w.begin + unpredicted, w.end + unpredicted
                ids = torch.from_numpy(documents[w.document][max(0, begin - 1) : end].astype(np.int64))
                y[row, : end - begin] = ids[-(end - begin) :]
                x[row, int(begin == 0) : end - begin] = ids[:-1]
            batch = ScoringBatch(group, model(with_bos(x, self.bos_id), tap=tap).float(), y)
            done += batch.n_scored
            yield batch

    def token_losses(
        self, documents: TokenDocuments, *, tap: Tap | None = None, watch: ProgressCallback = no_progress
    ) -> list[Nats]:
        """Measure the loss of each token of each document, in nats; the arguments are those of :meth:`batches`.

        Without a BOS token no token precedes the first of a document, so its loss is that of the uniform baseline.

        Returns:
            For each document the losses of its tokens, (N,), computed in fp32 and stored in float64.
        """
        losses = [np.full(len(ids), math.log(self.model.vocab_size)) for ids in documents]
        for batch in self.batches(documents, tap=tap, watch=watch):
            nats = batch.nats().double().numpy()
            for row, window in enumerate(batch.windows):
                losses[window.document][window.scored_tokens] = nats[row, window.scored_positions]
        return losses
