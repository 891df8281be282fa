"""Measure an intervention: a model's predictions for a text with and without changes to its activations.

:mod:`octavo.interpret.interventions` explains zero ablation, mean ablation and activation patching.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from octavo.errors import OctavoError
from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.evaluate.scoring import Nats, Scorer, ScoringBatch, TokenDocuments
from octavo.interpret.activations import ActivationCache, compose, mean_activations, record_tap
from octavo.interpret.interventions import (
    InterventionSpec,
    ResolvedInterventions,
    patch_from,
    replace_with,
    resolve,
    zero_ablate,
)
from octavo.interpret.predictions import TOP_K, require_finite, vocabulary_labels
from octavo.interpret.tokens import passage_of, read_passage, visible_label
from octavo.model import Transformer
from octavo.model.taps import Tap
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.system.terminal import quantity
from octavo.tokenizer import Tokenizer

_KEYS = {  # in the JSON, by field; earlier versions wrote the same keys
    "source": "of",
    "interventions": "changed",
    "token_label": "at",
    "other_label": "donor",
    "p_before": "before",
    "p_after": "after",
}


@dataclass(frozen=True)
class TokenChange:
    """A candidate for the next token, and its probability without and with the interventions."""

    label: str
    p_before: float
    p_after: float


@dataclass(frozen=True)
class Edit:
    """The effect of interventions on a text's score and on the prediction of the token after it."""

    text: str
    source: str  # of the text: "the given text"
    tokens: int  # of the text
    interventions: tuple[str, ...]  # as "zero blocks.0.attention.head.2"
    position: int | None  # the token that is changed; None: all tokens
    token_label: str  # of that token, or ""
    other_label: str  # of the token of the other text at this position, or ""
    mean_tokens: int  # tokens of validation text that means are taken over; 0: no mean ablation
    candidates: tuple[TokenChange, ...]  # the most probable next tokens of either, the most probable first
    divergence_bits: float  # Kullback-Leibler divergence of the distribution after from the one before
    bits_per_character_before: float
    bits_per_character_after: float
    lossless_tokenizer: bool  # False: bits per character are not comparable with other models

    @property
    def cost(self) -> float:
        """Return the increase of the loss in bits per character; negative: the interventions help."""
        return self.bits_per_character_after - self.bits_per_character_before

    @property
    def notable(self) -> tuple[TokenChange, ...]:
        """Return the first three candidates, and the others with a probability of 0.1 % or more before or after."""
        return tuple(c for i, c in enumerate(self.candidates) if i < 3 or max(c.p_before, c.p_after) >= 0.001)

    def caveats(self) -> list[str]:
        """Return the limits of the figures; empty if there are none."""
        return [] if self.lossless_tokenizer else [LOSSY_CAVEAT]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with the cost."""
        values = asdict(self, dict_factory=lambda items: {_KEYS.get(name, name): value for name, value in items})
        return values | {"cost_bits_per_character": self.cost}


def measure_edit(
    model: Transformer,
    tokenizer: Tokenizer,
    text: str,
    spec: InterventionSpec,
    *,
    other: str = "",
    held_out: TokenDocuments = (),
    context_length: int,
    source: str = "the given text",
    top_k: int = TOP_K,
    watch: ProgressCallback = no_progress,
) -> Edit:
    """Run the model on a text without and with interventions.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        text: the text.
        spec: the interventions.
        other: the text that activations are patched from; its first tokens, as many as `text` has, are used.
        held_out: documents that means are taken over, as token ids without BOS token.
        context_length: tokens of a window.
        source: of `text`, for people.
        top_k: number of the most probable next tokens to keep, of either run.
        watch: is called with the fraction that is done.

    Raises:
        OctavoError: no site is given, there is no such site or position, or the text that an intervention needs is
            missing.
    """
    passage = read_passage(tokenizer, text)
    chosen = resolve(spec, model, passage, context_length)
    other_ids = _other_ids(tokenizer, other, len(passage.text_ids), chosen)
    scorer, others = Scorer(model, tokenizer.bos_id, context_length), ActivationCache()

    def batches(ids: Sequence[int], tap: Tap, watch: ProgressCallback = no_progress) -> Iterator[ScoringBatch]:
        """Read a text and one more token, whose loss is not used; always through a tap, as with an intervention."""
        return scorer.batches([np.array([*ids, 0])], tap=tap, watch=watch)

    tap = compose(
        *map(zero_ablate, chosen.zero),
        *_mean_taps(scorer, held_out, chosen),
        *(patch_from(target, others) for target in chosen.patch),
    )
    before = batches(passage.text_ids, compose(), subrange(watch, 0, 0.5))
    after = batches(passage.text_ids, tap, subrange(watch, 0.5, 1))
    if chosen.patch:  # a batch of the other text is run before each batch, so that its activations can be patched
        recorded = batches(other_ids, record_tap(others, *{target.site for target in chosen.patch}))
        after = (batch for _, batch in zip(recorded, after, strict=True))
    nats_before, next_before = _read(before, len(passage.text_ids), model.vocab_size)
    nats_after, next_after = _read(after, len(passage.text_ids), model.vocab_size)
    characters = len(text) * math.log(2)
    return Edit(
        text=text,
        source=source,
        tokens=len(passage.text_ids),
        interventions=chosen.descriptions,
        position=chosen.position,
        token_label="" if chosen.position is None else passage.labels[chosen.position],
        other_label="" if chosen.position is None else _label(tokenizer, other_ids, chosen.position),
        mean_tokens=sum(map(len, held_out)) if chosen.mean else 0,
        candidates=_candidates(next_before, next_after, vocabulary_labels(tokenizer), top_k),
        divergence_bits=_divergence(next_before, next_after) / math.log(2),
        bits_per_character_before=float(nats_before.sum()) / characters,
        bits_per_character_after=float(nats_after.sum()) / characters,
        lossless_tokenizer=tokenizer.lossless,
    )


def _read(batches: Iterable[ScoringBatch], tokens: int, vocab_size: int) -> tuple[Nats, torch.Tensor]:
    """Return the loss of each token, (N,), and the log-probabilities of the next token, (V,), in float64."""
    nats, logits = np.full(tokens + 1, math.log(vocab_size)), torch.empty(0)
    for batch in batches:
        losses = require_finite(batch.nats()).double().numpy()
        for row, window in enumerate(batch.windows):
            nats[window.scored_tokens] = losses[row, window.scored_positions]
            logits = batch.logits[row, window.scored_positions][-1]
    return nats[:-1], require_finite(logits).double().log_softmax(-1)


def _mean_taps(scorer: Scorer, held_out: TokenDocuments, chosen: ResolvedInterventions) -> Iterator[Tap]:
    if chosen.mean:
        means = mean_activations(scorer, held_out, *{target.site for target in chosen.mean})
        for target in chosen.mean:  # the mean is the same at every position
            yield replace_with(target, replace(target, position=None).select(means[target.site]))


def _other_ids(tokenizer: Tokenizer, other: str, tokens: int, chosen: ResolvedInterventions) -> list[int]:
    """Return the first tokens of the other text, as many as the text has."""
    if bool(other) != bool(chosen.patch):
        raise OctavoError(
            "a patch needs another text to take activations from: give that text"
            if chosen.patch
            else "another text is given, but no site to patch: name one"
        )
    ids: list[int] = tokenizer.encode(other).tolist()
    if chosen.patch and len(ids) < tokens:
        raise OctavoError(
            f"patching needs {quantity(tokens, 'token')} of the other text, but it has {len(ids)}: give a longer one"
        )
    return ids[:tokens]


def _label(tokenizer: Tokenizer, ids: Sequence[int], position: int) -> str:
    """Return the label of the token at a position; "" if there are no tokens."""
    return passage_of(tokenizer, ids).labels[position] if ids else ""


def _candidates(
    before: torch.Tensor, after: torch.Tensor, labels: tuple[str, ...], top_k: int
) -> tuple[TokenChange, ...]:
    """Return the `top_k` most probable tokens of either distribution, given as log-probabilities (V,)."""
    top_k = min(top_k, len(labels))
    tokens = {*before.topk(top_k).indices.tolist(), *after.topk(top_k).indices.tolist()}
    changes = [TokenChange(labels[i], math.exp(float(before[i])), math.exp(float(after[i]))) for i in tokens]
    return tuple(sorted(changes, key=lambda change: -max(change.p_before, change.p_after)))


def _divergence(before: torch.Tensor, after: torch.Tensor) -> float:
    """Return the Kullback-Leibler divergence in nats; rounding must not make it negative."""
    return max(0.0, float((before.exp() * (before - after)).sum()))


def intervention_lines(edit: Edit, max_lines: int) -> list[str]:
    """Return a line for each of the first `max_lines` interventions, and one with the number of the others."""
    more = len(edit.interventions) - max_lines
    return [_line(edit, name) for name in edit.interventions[:max_lines]] + [f"and {more:,} more"] * (more > 0)


def edit_sample(edit: Edit) -> str:
    """Return the text that bits per character were measured on, in words."""
    return f"measured on {edit.source}: {quantity(len(edit.text), 'character')}, {quantity(edit.tokens, 'token')}"


def _line(edit: Edit, name: str) -> str:
    """Return an intervention as ``patch embedding at token 2, '␣are', from '␣king', token 2 of the other text``."""
    at = "" if edit.position is None else f" at token {edit.position}, {_quoted(edit.token_label)}"
    kind = name.split()[0]
    if kind == "mean":
        return f"{name}{at}, over the first {quantity(edit.mean_tokens, 'token')} of the validation split"
    if kind == "patch" and edit.position is None:
        return f"{name}, from the other text, token by token"
    if kind == "patch":
        return f"{name}{at}, from {_quoted(edit.other_label)}, token {edit.position} of the other text"
    return f"{name}{at}"


def _quoted(label: str) -> str:
    return f"'{visible_label(label)}'"
