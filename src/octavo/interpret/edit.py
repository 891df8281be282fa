"""An edit: what a model makes of a text when something is changed inside it, beside what it makes of it unchanged.

Zero, mean and patch are what the literature calls zero ablation, mean ablation and activation patching (Vig et al.,
2020; Meng et al., 2022).

What an edit says in words: what was done where and with what, and what its score was measured on.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.evaluate.scoring import Nats, ScoringBatch, scoring_batches
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
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

Documents = Sequence[npt.NDArray[np.integer]]
_KEYS = {"p_before": "before", "p_after": "after"}  # of the JSON, by the field's name


@dataclass(frozen=True)
class TokenChange:
    """A token that could come after the text, and its probability without and with the changes."""

    label: str
    p_before: float
    p_after: float


@dataclass(frozen=True)
class Edit:
    """What became of a text's score, and of what is expected after it."""

    text: str
    of: str  # what the text is of: "the given text"
    tokens: int  # that it has
    changed: tuple[str, ...]  # what was done where, as "zero blocks.0.attention.head.2"
    position: int | None  # the one token at which; None: at all
    at: str  # that token's label, or nothing
    donor: str  # the label of the token of the other text that a patch there is from, or nothing
    mean_tokens: int  # of held-out text that means are over; 0: there are none
    candidates: tuple[TokenChange, ...]  # the likeliest next tokens of either; the likelier in either comes first
    divergence_bits: float  # Kullback-Leibler, of the odds before from those after: what believing the latter costs
    bits_per_character_before: float
    bits_per_character_after: float
    lossless_tokenizer: bool  # False: bits per character compare with no other model's

    @property
    def cost(self) -> float:
        """What the changes cost, in bits per character; below 0 they help."""
        return self.bits_per_character_after - self.bits_per_character_before

    @property
    def notable(self) -> tuple[TokenChange, ...]:
        """The candidates without the unlikely ones: three at least, others if they reach 0.1 % before or after."""
        return tuple(c for i, c in enumerate(self.candidates) if i < 3 or max(c.p_before, c.p_after) >= 0.001)

    def caveats(self) -> list[str]:
        """Return the limits of the figures; empty if there are none."""
        return [] if self.lossless_tokenizer else [LOSSY_CAVEAT]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = asdict(self, dict_factory=lambda items: {_KEYS.get(name, name): value for name, value in items})
        return values | {"cost_bits_per_character": self.cost}


def measure_edit(
    model: Transformer,
    tokenizer: Tokenizer,
    text: str,
    changes: InterventionSpec,
    *,
    other: str = "",
    held_out: Documents = (),
    context_length: int,
    of: str = "the given text",
    most: int = TOP_K,
    watch: ProgressCallback = no_progress,
) -> Edit:
    """Read `text` as the model is and with the changes; keep the `most` likeliest next tokens of either.

    Patches are from `other`, cut to as many tokens; means over the documents `held_out` (ids without start token).
    `of` says what the text is of; `watch` is told the share that is done.

    Raises:
        OctavoError: there is nothing to change, no such place or position, or not the text that a change needs.
    """
    passage = read_passage(tokenizer, text)
    chosen = resolve(changes, model, passage, context_length)
    other_ids = _other_ids(tokenizer, other, len(passage.text_ids), chosen)
    reading = _Reading(model, tokenizer.bos_id, context_length)
    others: ActivationCache = {}
    tap = compose(
        *map(zero_ablate, chosen.zero),
        *_means(reading, held_out, chosen),
        *(patch_from(place, others) for place in chosen.patch),
    )
    beside = reading.batches(other_ids, record_tap(others, *{place.site for place in chosen.patch}))
    nats_before, odds_before = reading.read(passage.text_ids, compose(), watch=lambda share: watch(share / 2))
    nats_after, odds_after = reading.read(
        passage.text_ids, tap, beside if chosen.patch else repeat(None), watch=lambda share: watch((1 + share) / 2)
    )
    characters = len(text) * math.log(2)
    return Edit(
        text=text,
        of=of,
        tokens=len(passage.text_ids),
        changed=chosen.descriptions,
        position=chosen.position,
        at="" if chosen.position is None else passage.labels[chosen.position],
        donor="" if chosen.position is None else _label(tokenizer, other_ids, chosen.position),
        mean_tokens=sum(map(len, held_out)) if chosen.mean else 0,
        candidates=_candidates(odds_before, odds_after, vocabulary_labels(tokenizer), most),
        divergence_bits=_divergence(odds_before, odds_after) / math.log(2),
        bits_per_character_before=float(nats_before.sum()) / characters,
        bits_per_character_after=float(nats_after.sum()) / characters,
        lossless_tokenizer=tokenizer.lossless,
    )


@dataclass(frozen=True)
class _Reading:
    """How the model reads: in the windows of the score, and through taps, even if they change nothing, so that two
    readings differ by the changes alone."""

    model: Transformer
    bos_id: int | None
    context_length: int

    def batches(self, ids: Sequence[int], tap: Tap, watch: ProgressCallback = no_progress) -> Iterator[ScoringBatch]:
        """The windows of a text and of what comes after it: any token will do, since its loss is not looked at."""
        return scoring_batches(
            self.model,
            [np.array([*ids, 0])],
            bos_id=self.bos_id,
            context_length=self.context_length,
            tap=tap,
            watch=watch,
        )

    def read(
        self,
        ids: Sequence[int],
        tap: Tap,
        beside: Iterable[ScoringBatch | None] = repeat(None),
        watch: ProgressCallback = no_progress,
    ) -> tuple[Nats, torch.Tensor]:
        """The nats of each token, and the logarithms of the odds of the one after them (V,), in float64. Before each
        batch one of those `beside` is read."""
        nats = np.full(len(ids) + 1, math.log(self.model.vocab_size))
        odds = torch.empty(0)
        for _, batch in zip(beside, self.batches(ids, tap, watch), strict=False):
            losses = require_finite(batch.nats()).double().numpy()
            for row, (window, tokens) in enumerate(zip(batch.windows, batch.tokens, strict=True)):
                nats[tokens] = losses[row, window.scored_positions]
                odds = batch.logits[row, window.scored_positions][-1]
        return nats[:-1], require_finite(odds).double().log_softmax(-1)


def _means(reading: _Reading, held_out: Documents, chosen: ResolvedInterventions) -> Iterator[Tap]:
    if chosen.mean:
        sites = {place.site for place in chosen.mean}
        means = mean_activations(
            reading.model, held_out, *sites, bos_id=reading.bos_id, context_length=reading.context_length
        )
        for place in chosen.mean:  # the mean is the same at every position
            yield replace_with(place, replace(place, position=None).select(means[place.site]))


def _other_ids(tokenizer: Tokenizer, other: str, tokens: int, chosen: ResolvedInterventions) -> list[int]:
    """The first tokens of the other text, as many as the text has."""
    if bool(other) != bool(chosen.patch):
        raise OctavoError(
            "a patch is what another text had there: give that text"
            if chosen.patch
            else "another text is given, but no place to patch from it: name one"
        )
    ids: list[int] = tokenizer.encode(other).tolist()
    if chosen.patch and len(ids) < tokens:
        raise OctavoError(
            f"a patch goes token for token, but the text has {tokens} and the other text {len(ids)}: give more"
        )
    return ids[:tokens]


def _label(tokenizer: Tokenizer, ids: Sequence[int], position: int) -> str:
    """Of the token at a position, or nothing if there are no tokens."""
    return passage_of(tokenizer, ids).labels[position] if ids else ""


def _candidates(
    before: torch.Tensor, after: torch.Tensor, labels: tuple[str, ...], most: int
) -> tuple[TokenChange, ...]:
    most = min(most, len(labels))
    likeliest = {*before.topk(most).indices.tolist(), *after.topk(most).indices.tolist()}
    ordered = sorted(likeliest, key=lambda token: -max(float(before[token]), float(after[token])))
    return tuple(
        TokenChange(labels[token], math.exp(float(before[token])), math.exp(float(after[token]))) for token in ordered
    )


def _divergence(before: torch.Tensor, after: torch.Tensor) -> float:
    """In nats; rounding must not take it below 0."""
    return max(0.0, float((before.exp() * (before - after)).sum()))


def intervention_lines(edit: Edit, most: int) -> list[str]:
    """A line for each of the first `most` changes, and one that counts the others."""
    more = len(edit.changed) - most
    return [_change(edit, name) for name in edit.changed[:most]] + [f"and {more:,} more"] * (more > 0)


def edit_sample(edit: Edit) -> str:
    """What bits per character were measured on."""
    return f"measured on {edit.of}: {_count(len(edit.text), 'character')}, {_count(edit.tokens, 'token')}"


def _change(edit: Edit, name: str) -> str:
    """As ``patch embedding at token 2, '␣are', from '␣king', token 2 of the other text``."""
    at = "" if edit.position is None else f" at token {edit.position}, {_quoted(edit.at)}"
    kind = name.split()[0]
    if kind == "mean":
        return f"{name}{at}, over the first {_count(edit.mean_tokens, 'token')} of the held-out text"
    if kind == "patch" and edit.position is None:
        return f"{name}, from the other text, token for token"
    if kind == "patch":
        return f"{name}{at}, from {_quoted(edit.donor)}, token {edit.position} of the other text"
    return f"{name}{at}"


def _quoted(label: str) -> str:
    return f"'{visible_label(label)}'"


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}{'s' * (number != 1)}"
