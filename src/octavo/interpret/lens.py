"""The logit lens (nostalgebraist, 2020): what a model would predict if it ended after each of its layers.

The residual stream after the embedding, and after every block, goes through the model's own final norm and
unembedding, as it does after the last block: there the lens shows the model's own prediction. Whatever the blocks'
order of norms, the final norm is what the unembedding was trained on, be it the identity.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from octavo.evaluate.scoring import scoring_batches
from octavo.interpret.activations import ActivationCache, record_tap, run_with_cache
from octavo.interpret.predictions import TOP_K, Prediction, ranks, top_k_predictions, vocabulary_labels
from octavo.interpret.tokens import Passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

_MOST_LOGITS = 2**22  # held at once


@dataclass(frozen=True)
class LensCell:
    """What one layer would predict after one token."""

    predictions: tuple[Prediction, ...]  # the likeliest first
    nats: float | None  # what the token that really came would cost; None: the passage ends here
    rank: int | None  # of that token; 1: nothing was likelier

    @property
    def probability(self) -> float | None:
        """How likely the token that really came would be."""
        return None if self.nats is None else math.exp(-self.nats)


@dataclass(frozen=True)
class LensLayer:
    """What one layer would predict after each token of the passage."""

    site: str
    cells: tuple[LensCell, ...]
    held_out_nats: float | None  # the mean over held-out text, per token; None: not measured

    @property
    def name(self) -> str:
        """As people call it: ``embedding``, ``block 0``."""
        return self.site if self.site == "embedding" else f"block {self.site.split('.')[1]}"


@dataclass(frozen=True)
class Lens:
    """A passage seen through every layer: the embedding first; the last is the model's own prediction."""

    passage: Passage
    layers: tuple[LensLayer, ...]
    held_out_tokens: int  # that the layers' means are over
    held_out_characters: float  # that these stand for; about, if the tokenizer loses text
    tied_embeddings: bool  # True: the unembedding is the embedding, which therefore foretells the token it stands for
    residual: bool  # False: layers share no stream, so what the unembedding makes of an earlier one says little

    @property
    def held_out_bits(self) -> tuple[float, ...]:
        """What each layer needs for held-out text, in bits per character; none if that was not measured."""
        if not self.held_out_characters:
            return ()
        bits_of_nats = self.held_out_tokens / self.held_out_characters / math.log(2)
        return tuple(nats * bits_of_nats for layer in self.layers if (nats := layer.held_out_nats) is not None)

    @property
    def gains(self) -> tuple[float | None, ...]:
        """By how many bits per character each layer is better on held-out text than the one before it; of the
        first None."""
        bits = self.held_out_bits
        return (None, *(a - b for a, b in pairwise(bits))) if bits else ()

    def caveats(self) -> list[str]:
        """Return the limits of this model's lens; empty if there are none."""
        tied = "the unembedding is the embedding, so before the first block the lens predicts the token itself"
        separate = "the model has no residual stream, so the lens of an earlier layer says little"
        return [tied] * self.tied_embeddings + [separate] * (not self.residual)


def lens_sites(model: Transformer) -> tuple[str, ...]:
    """Where the stream is looked at."""
    return ("embedding", *(f"blocks.{layer}.output" for layer in range(model.config.n_layers)))


def lens_logits(model: Transformer, stream: torch.Tensor) -> torch.Tensor:
    """The logits (…, V) that the model would give if its last block had made `stream` (…, D)."""
    logits: torch.Tensor = model.unembedding(model.final_norm(stream))
    return logits


@torch.inference_mode()
def apply_lens(
    model: Transformer,
    tokenizer: Tokenizer,
    passage: Passage,
    held_out: Sequence[npt.NDArray[np.integer]] = (),
    *,
    held_out_characters: float = 0.0,
    context_length: int,
    most: int = TOP_K,
) -> Lens:
    """Look at `passage`, of at most `context_length` tokens, and let every layer be scored on the documents
    `held_out` (ids without start token), which stand for so many characters."""
    sites, labels = lens_sites(model), vocabulary_labels(tokenizer)
    streams = run_with_cache(model, passage.input_ids, *sites)
    losses = layer_losses(model, held_out, bos_id=tokenizer.bos_id, context_length=context_length)
    came = passage.input_ids[0, 1:]
    layers = []
    at_once = max(1, _MOST_LOGITS // model.vocab_size)
    for site in sites:
        cells: list[LensCell] = []
        for place in range(0, len(passage.ids), at_once):
            logits = lens_logits(model, streams[site][0, place : place + at_once]).float()
            cells += _cells(logits, came[place : place + at_once], top_k_predictions(logits, labels, most))
        layers.append(LensLayer(site, tuple(cells), losses.get(site)))
    return Lens(
        passage,
        tuple(layers),
        sum(map(len, held_out)),
        held_out_characters,
        model.config.tied_embeddings,
        model.config.residual,
    )


def _cells(logits: torch.Tensor, came: torch.Tensor, guesses: Sequence[tuple[Prediction, ...]]) -> Iterator[LensCell]:
    """Yield the cells of places with `logits` (N, V); after the last of all nothing came."""
    nats = F.cross_entropy(logits[: len(came)], came, reduction="none").double().tolist()
    unknown = [None] * (len(logits) - len(came))
    return map(LensCell, guesses, [*nats, *unknown], [*ranks(logits[: len(came)], came), *unknown])


@torch.inference_mode()
def layer_losses(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *,
    bos_id: int | None,
    context_length: int,
) -> dict[str, float]:
    """The mean nats of each predicted token by the site of the layer, in the windows of the score; none if nothing is
    predicted."""
    sites, streams = lens_sites(model), ActivationCache()
    totals, tokens = dict.fromkeys(sites, 0.0), 0
    for batch in scoring_batches(
        model,
        documents,
        bos_id=bos_id,
        context_length=context_length,
        tap=record_tap(streams, *sites),
    ):
        tokens += sum(place.stop - place.start for place in batch.tokens)
        for site in sites:
            nats = batch.nats(lens_logits(model, streams[site]).float()).double()
            totals[site] += sum(float(nats[row, w.scored_positions].sum()) for row, w in enumerate(batch.windows))
    return {site: total / tokens for site, total in totals.items()} if tokens else {}
