"""What the rows say together: for each variant means over its seeds, and differences to the base, seed by seed."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from octavo.experiments.row import Row
from octavo.experiments.spec import Spec
from octavo.intervals import Estimate, estimate

PER_CHARACTER = ("nats_per_character", "bits_per_character")
PER_TOKEN = ("nats_per_token", "train_loss", "validation_loss")  # to be compared within one tokenizer alone
OTHERS = (
    "weight_norm",
    "steps",
    "epochs",
    "seconds",
    "tokens_per_second",
    "parameters",
    "peak_memory_bytes",
)


@dataclass(frozen=True)
class VariantSummary:
    """One variant over its seeds. `figures` and `differences` are by the names of a row's figures.

    A difference is the variant less the base, seed by seed, where both have a score; none where the two cannot be
    compared, and `note` then says why.
    """

    variant: str
    planned: int  # seeds
    scored: int
    failed: int
    figures: dict[str, Estimate]
    differences: dict[str, Estimate]
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def summarise(spec: Spec, rows: Sequence[Row]) -> list[VariantSummary]:
    """One summary a variant, in the order of the file."""
    by_cell = {(row.variant, row.seed): row for row in rows}
    per_character = [*PER_CHARACTER, *(f"nats_per_character@{context}" for context in spec.contexts)]
    return [_summary(variant.name, spec, by_cell, per_character) for variant in spec.variants]


def _summary(
    variant: str, spec: Spec, by_cell: dict[tuple[str, int], Row], per_character: Sequence[str]
) -> VariantSummary:
    own = [by_cell[variant, seed] for seed in spec.seeds if (variant, seed) in by_cell]
    scored = [row for row in own if row.scored]
    pairs = [
        (row, base)
        for row in scored
        if variant != spec.base and (base := by_cell.get((spec.base, row.seed))) is not None and base.scored
    ]
    compared, note = list(per_character), ""
    if all(row.tokenizer == base.tokenizer for row, base in pairs):
        compared += PER_TOKEN
    if different := next((pair for pair in pairs if not pair[0].same_text(pair[1])), None):
        compared, note = [], _why(*different)
    return VariantSummary(
        variant=variant,
        planned=len(spec.seeds),
        scored=len(scored),
        failed=len(own) - len(scored),
        figures=_estimates([*per_character, *PER_TOKEN, *OTHERS], [(row, None) for row in scored]),
        differences=_estimates(compared, pairs),
        note=note,
    )


def _estimates(names: Sequence[str], pairs: Sequence[tuple[Row, Row | None]]) -> dict[str, Estimate]:
    """Of each figure, or of its differences, over those seeds in which it is known."""
    found = {}
    for name in names:
        values = [(row.figure(name), 0.0 if base is None else base.figure(name)) for row, base in pairs]
        if result := estimate([a - b for a, b in values if a is not None and b is not None]):
            found[name] = result
    return found


def _why(row: Row, base: Row) -> str:
    if row.text_sha256 != base.text_sha256:
        return "scored on another stretch of text than the base, so there is no difference to tell"
    return "cut by a tokenizer that loses text, other than the base's, so there is no difference to tell"
