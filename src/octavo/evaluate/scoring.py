"""The loss of every token of a text, each exactly once, in sliding windows.

A window takes `context_length` tokens; the next begins `stride` tokens later and scores only what no window has
scored before: so every token after the first windows is predicted from at least context_length - stride tokens.
B windows, T positions, V vocabulary.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from octavo.data.windows import begun
from octavo.model import Transformer

Nats = npt.NDArray[np.float64]
Watch = Callable[[float], None]


def unwatched(share: float) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Window:
    """Predictions `begin` … `end` of document `document`, of which those from `scored` on count."""

    document: int
    begin: int
    scored: int
    end: int


def sliding_windows(document: int, predictions: int, context_length: int, stride: int) -> list[Window]:
    """Windows over one document in which each of its predictions counts once."""
    windows, begin, done = [], 0, 0
    while done < predictions:
        end = min(begin + context_length, predictions)
        windows.append(Window(document, begin, done, end))
        begin, done = begin + stride, end
    return windows


@torch.inference_mode()
def token_losses(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *,
    start_id: int | None,
    context_length: int,
    stride: int,
    batch_size: int = 64,
    watch: Watch = unwatched,
) -> list[Nats]:
    """Nats of every token of every document (ids without start token), in fp32, summed in float64 by the caller.

    `watch` is told, now and then, the share that is done.

    Without a start token nothing comes before a document's first token: it is charged as by the uniform
    distribution, the best that can be said without having seen anything.
    """
    first = [] if start_id is None else [start_id]
    inputs = [np.concatenate([np.array(first, np.int64), ids[:-1].astype(np.int64)]) for ids in documents]
    targets = [ids if first else ids[1:] for ids in documents]
    windows = [
        window
        for index, predicted in enumerate(targets)
        for window in sliding_windows(index, len(predicted), context_length, stride)
    ]
    losses = [np.full(len(ids), math.log(model.vocab_size)) for ids in documents]
    for at in range(0, len(windows), batch_size):
        watch(at / len(windows))
        group = windows[at : at + batch_size]
        longest = max(w.end - w.begin for w in group)  # shorter ones are filled up behind, where nothing sees it
        x, y = (
            torch.zeros(len(group), longest, dtype=torch.int64),
            torch.zeros(len(group), longest, dtype=torch.int64),
        )
        for row, w in enumerate(group):
            x[row, : w.end - w.begin] = torch.from_numpy(inputs[w.document][w.begin : w.end])
            y[row, : w.end - w.begin] = torch.from_numpy(targets[w.document][w.begin : w.end].astype(np.int64))
        logits = model(begun(x, start_id))
        nats = F.cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
        for row, w in enumerate(group):
            skipped = len(documents[w.document]) - len(targets[w.document])  # 1 without a start token
            part = nats[row, w.scored - w.begin : w.end - w.begin]
            losses[w.document][skipped + w.scored : skipped + w.end] = part.double().numpy()
    return losses
