"""The logit lens (nostalgebraist, 2020): the prediction of a model if it ended after each of its layers.

The residual stream after the embedding and after each block goes through the model's own final norm and unembedding.
After the last block, this is the model's own prediction. The final norm is used whatever the order of norms in the
blocks is, because the unembedding was trained on its output.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F

from octavo.evaluate.scoring import Scorer, TokenDocuments
from octavo.interpret.activations import ActivationCache, record_tap, run_with_cache
from octavo.interpret.predictions import TOP_K, Prediction, ranks, top_k_predictions, vocabulary_labels
from octavo.interpret.tokens import Passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

_MAX_LOGITS = 2**22  # held at once


@dataclass(frozen=True)
class LensCell:
    """The prediction of one layer after one token."""

    predictions: tuple[Prediction, ...]  # the most probable first
    nats: float | None  # surprisal of the actual next token; None: the passage ends here
    rank: int | None  # of that token; 1: the most probable

    @property
    def probability(self) -> float | None:
        """Return the probability of the actual next token."""
        return None if self.nats is None else math.exp(-self.nats)


@dataclass(frozen=True)
class LensLayer:
    """The predictions of one layer after each token of the passage."""

    site: str
    cells: tuple[LensCell, ...]
    held_out_nats: float | None  # mean over validation text, nats per token; None: not measured

    @property
    def name(self) -> str:
        """Return the name for people: ``embedding``, ``block 0``."""
        return self.site if self.site == "embedding" else f"block {self.site.split('.')[1]}"


@dataclass(frozen=True)
class Lens:
    """The predictions of every layer for a passage, the embedding first; the last is the model's own."""

    passage: Passage
    layers: tuple[LensLayer, ...]
    held_out_tokens: int  # of the validation text that layers are scored on
    held_out_characters: float  # of that text; approximate if the tokenizer is lossy
    tied_embeddings: bool  # True: the unembedding is the embedding, so the first layer predicts the token itself
    residual: bool  # False: there is no residual stream, so the lens of an earlier layer says little

    @property
    def held_out_bits(self) -> tuple[float, ...]:
        """Return the score of each layer on validation text in bits per character; empty if it was not measured."""
        if not self.held_out_characters:
            return ()
        bits_per_nat = self.held_out_tokens / self.held_out_characters / math.log(2)
        return tuple(nats * bits_per_nat for layer in self.layers if (nats := layer.held_out_nats) is not None)

    @property
    def gains(self) -> tuple[float | None, ...]:
        """Return by how many bits per character each layer improves on the one before; None for the first."""
        bits = self.held_out_bits
        return (None, *(a - b for a, b in pairwise(bits))) if bits else ()

    def caveats(self) -> list[str]:
        """Return the limits of this model's lens; empty if there are none."""
        tied = "the unembedding is the embedding, so before the first block the lens predicts the token itself"
        separate = "the model has no residual stream, so the lens of an earlier layer says little"
        return [tied] * self.tied_embeddings + [separate] * (not self.residual)


def lens_sites(model: Transformer) -> tuple[str, ...]:
    """Return the sites of the residual stream that the lens reads."""
    return ("embedding", *(f"blocks.{layer}.output" for layer in range(model.config.n_layers)))


def lens_logits(model: Transformer, stream: torch.Tensor) -> torch.Tensor:
    """Return the logits (…, V) of the residual stream (…, D): final norm, then unembedding."""
    logits: torch.Tensor = model.unembedding(model.final_norm(stream))
    return logits


@torch.inference_mode()
def apply_lens(
    model: Transformer,
    tokenizer: Tokenizer,
    passage: Passage,
    held_out: TokenDocuments = (),
    *,
    held_out_characters: float = 0.0,
    context_length: int,
    top_k: int = TOP_K,
) -> Lens:
    """Predict with every layer after each token of a passage, and score every layer on validation text.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        passage: at most `context_length` tokens.
        held_out: documents to score the layers on, as token ids without BOS token.
        held_out_characters: characters of these documents.
        context_length: tokens of a window.
        top_k: number of the most probable tokens to keep.
    """
    sites, labels = lens_sites(model), vocabulary_labels(tokenizer)
    streams = run_with_cache(model, passage.input_ids, *sites)
    losses = layer_losses(Scorer(model, tokenizer.bos_id, context_length), held_out)
    targets = passage.input_ids[0, 1:]
    layers = []
    at_once = max(1, _MAX_LOGITS // model.vocab_size)
    for site in sites:
        cells: list[LensCell] = []
        for start in range(0, len(passage.ids), at_once):
            logits = lens_logits(model, streams[site][0, start : start + at_once]).float()
            predictions = top_k_predictions(logits, labels, top_k)
            cells += _cells(logits, targets[start : start + at_once], predictions)
        layers.append(LensLayer(site, tuple(cells), losses.get(site)))
    return Lens(
        passage,
        tuple(layers),
        sum(map(len, held_out)),
        held_out_characters,
        model.config.tied_embeddings,
        model.config.residual,
    )


def _cells(
    logits: torch.Tensor, targets: torch.Tensor, predictions: Sequence[tuple[Prediction, ...]]
) -> Iterator[LensCell]:
    """Yield the cells of positions with `logits` (N, V); the last position of a passage has no target."""
    nats = F.cross_entropy(logits[: len(targets)], targets, reduction="none").double().tolist()
    unknown = [None] * (len(logits) - len(targets))
    return map(LensCell, predictions, [*nats, *unknown], [*ranks(logits[: len(targets)], targets), *unknown])


@torch.inference_mode()
def layer_losses(scorer: Scorer, documents: TokenDocuments) -> dict[str, float]:
    """Measure the mean loss of each layer in the windows of the score.

    Args:
        scorer: the model and its windows.
        documents: token ids without BOS token.

    Returns:
        Nats per token by the site of the layer; empty if no token is predicted.
    """
    sites, streams = lens_sites(scorer.model), ActivationCache()
    totals, tokens = dict.fromkeys(sites, 0.0), 0
    for batch in scorer.batches(documents, tap=record_tap(streams, *sites)):
        tokens += batch.n_scored
        for site in sites:
            nats = batch.nats(lens_logits(scorer.model, streams[site]).float()).double()
            totals[site] += sum(float(nats[row, w.scored_positions].sum()) for row, w in enumerate(batch.windows))
    return {site: total / tokens for site, total in totals.items()} if tokens else {}
