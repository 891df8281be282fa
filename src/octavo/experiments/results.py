"""What one cell, a variant with a seed, came to: one row of the results. Importing this takes no torch.

What the rows say together: for each variant means over its seeds, and differences to the base, seed by seed.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from octavo.experiments.spec import Spec
from octavo.formats.json_schema import from_json
from octavo.system.statistics import Estimate, estimate


@dataclass(frozen=True)
class CellResult:
    """One trained and scored run, or why there is none. Figures that are not known are None."""

    variant: str
    seed: int
    run: str  # name of the run's folder within the experiment's
    failure: str = ""  # one sentence; empty: it is trained and scored
    final: bool = True  # False: of a failure that was none of the settings' doing, so that it is tried again
    ran_away: bool = False  # of a failure: training came to numbers that are infinite, none, or far above chance
    trace: str = ""  # of a failure that nobody foresaw
    nats_per_character: float | None = None
    bits_per_character: float | None = None
    nats_per_token: float | None = None
    standard_error_nats_per_character: float | None = None  # from the choice of text, not from the seed
    at_context: dict[str, float | None] = field(default_factory=dict)  # nats per character in windows of that length
    train_loss: float | None = None  # nats per token, last look: text that was trained on, without dropout
    validation_loss: float | None = None  # nats per token, the same look, if it was at held-out text: as many windows
    weight_norm: float | None = None  # length of all matrices as one vector, at that look
    steps: int | None = None
    epochs: float | None = None
    seconds: float | None = None  # of training
    tokens_per_second: float | None = None  # of the training steps alone
    parameters: int | None = None
    peak_memory_bytes: int | None = None  # known where the cell had a process of its own
    ended: str = ""  # budget or patience
    sittings: int = 0  # stretches that it was trained in: 1 unless it was stopped and resumed
    characters: int | None = None  # of the scored text
    text_sha256: str = ""  # of the scored text
    tokenizer: str = ""  # fingerprint
    lossless_tokenizer: bool = True
    selected_on_this_text: bool = False

    @property
    def scored(self) -> bool:
        """Whether there is a result."""
        return not self.failure

    def figure(self, name: str) -> float | None:
        """A number by its name; ``nats_per_character@200`` is the score in windows of 200 tokens."""
        name, _, context = name.partition("@")
        value = self.at_context.get(context) if context else getattr(self, name)
        return None if value is None or not math.isfinite(value) else float(value)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, all of them finite."""
        values = dataclasses.asdict(self)
        return {name: _finite(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Any) -> "CellResult | None":
        """Read what :meth:`to_dict` wrote; None if that was another version of Octavo, or somebody else."""
        try:
            return from_json(cls, values)
        except ValueError:
            return None

    def same_text(self, other: "CellResult") -> bool:
        """Whether nats per character of both are of the same text, with nothing left out by one tokenizer alone."""
        alike = self.tokenizer == other.tokenizer or (self.lossless_tokenizer and other.lossless_tokenizer)
        return self.text_sha256 == other.text_sha256 and alike


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


PER_CHARACTER = ("nats_per_character", "bits_per_character")
PER_TOKEN = ("nats_per_token", "train_loss", "validation_loss")  # to be compared within one tokenizer alone
OTHER_FIGURES = (
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def summarise(spec: Spec, rows: Sequence[CellResult]) -> list[VariantSummary]:
    """One summary a variant, in the order of the file."""
    by_cell = {(row.variant, row.seed): row for row in rows}
    per_character = [*PER_CHARACTER, *(f"nats_per_character@{context}" for context in spec.contexts)]
    return [_summary(variant.name, spec, by_cell, per_character) for variant in spec.variants]


def _summary(
    variant: str, spec: Spec, by_cell: dict[tuple[str, int], CellResult], per_character: Sequence[str]
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
        compared, note = [], _not_comparable_reason(*different)
    return VariantSummary(
        variant=variant,
        planned=len(spec.seeds),
        scored=len(scored),
        failed=len(own) - len(scored),
        figures=_estimates([*per_character, *PER_TOKEN, *OTHER_FIGURES], [(row, None) for row in scored]),
        differences=_estimates(compared, pairs),
        note=note,
    )


def _estimates(names: Sequence[str], pairs: Sequence[tuple[CellResult, CellResult | None]]) -> dict[str, Estimate]:
    """Of each figure, or of its differences, over those seeds in which it is known."""
    found = {}
    for name in names:
        values = [(row.figure(name), 0.0 if base is None else base.figure(name)) for row, base in pairs]
        if result := estimate([a - b for a, b in values if a is not None and b is not None]):
            found[name] = result
    return found


def _not_comparable_reason(row: CellResult, base: CellResult) -> str:
    if row.text_sha256 != base.text_sha256:
        return "scored on another stretch of text than the base, so there is no difference to tell"
    return "cut by a tokenizer that loses text, other than the base's, so there is no difference to tell"
