"""Results of an experiment: a row for each cell, and a summary of each variant over its seeds.

A cell is a variant with a seed. Importing this loads no torch.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from octavo.experiments.spec import Spec
from octavo.formats.json_schema import from_json
from octavo.system.statistics import Estimate, estimate

PER_CHARACTER = ("nats_per_character", "bits_per_character")
PER_TOKEN = ("nats_per_token", "train_loss", "validation_loss")  # comparable only between runs of one tokenizer
OTHER_FIGURES = (
    "weight_norm",
    "steps",
    "epochs",
    "seconds",
    "tokens_per_second",
    "parameters",
    "peak_memory_bytes",
)


_KEYS = {"sessions": "sittings"}  # of earlier versions, by field


@dataclass(frozen=True)
class CellResult:
    """One trained and scored run, or the reason why there is none. Unknown figures are None.

    The field names are the keys of a row in ``experiment.json``, except where _KEYS has another.
    """

    variant: str
    seed: int
    run: str  # name of the run's folder within the experiment's folder
    failure: str = ""  # one sentence; empty: trained and scored
    final: bool = True  # False: a failure that the settings did not cause, so the cell is tried again
    ran_away: bool = False  # of a failure: training diverged
    trace: str = ""  # traceback of an unexpected failure
    nats_per_character: float | None = None
    bits_per_character: float | None = None
    nats_per_token: float | None = None
    standard_error_nats_per_character: float | None = None  # from the choice of text, not from the seed
    at_context: dict[str, float | None] = field(default_factory=dict)  # window length -> nats per character
    train_loss: float | None = None  # nats per token at the last validation point: training split, without dropout
    validation_loss: float | None = None  # nats per token at that point; None if it was the early-stopping split
    weight_norm: float | None = None  # at that point: L2 norm of all matrices together
    steps: int | None = None
    epochs: float | None = None
    seconds: float | None = None  # of training
    tokens_per_second: float | None = None  # of the training steps alone
    parameters: int | None = None
    peak_memory_bytes: int | None = None  # known if the cell had a process of its own
    ended: str = ""  # budget or patience
    sessions: int = 0  # of training: 1 unless the cell was stopped and resumed
    characters: int | None = None  # of the scored text
    text_sha256: str = ""  # of the scored text
    tokenizer: str = ""  # fingerprint
    lossless_tokenizer: bool = True
    selected_on_this_text: bool = False

    @property
    def scored(self) -> bool:
        """Return whether there is a score."""
        return not self.failure

    def figure(self, name: str) -> float | None:
        """Return a finite number by its name, else None.

        ``nats_per_character@200`` is the score in windows of 200 tokens.
        """
        name, _, context = name.partition("@")
        value = self.at_context.get(context) if context else getattr(self, name)
        return None if value is None or not math.isfinite(value) else float(value)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; NaN and infinity become None."""
        values = dataclasses.asdict(self)
        return {_KEYS.get(name, name): _finite(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Any) -> "CellResult | None":
        """Read a row that :meth:`to_dict` wrote; return None if it has other keys or types."""
        try:
            names = {key: name for name, key in _KEYS.items()}
            return from_json(cls, {names.get(key, key): value for key, value in values.items()})
        except (AttributeError, ValueError):  # no object, or another one
            return None

    def same_text(self, other: "CellResult") -> bool:
        """Return whether scores per character are comparable: one text, and no characters that only one ignores."""
        complete = self.tokenizer == other.tokenizer or (self.lossless_tokenizer and other.lossless_tokenizer)
        return self.text_sha256 == other.text_sha256 and complete


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class VariantSummary:
    """One variant over its seeds; `figures` and `differences` are keyed by the names of a row's figures.

    A difference is the variant minus the base, seed by seed, over the seeds in which both have a score. It is empty
    if the two are not comparable; `note` is then the reason.
    """

    variant: str
    planned: int  # seeds
    scored: int
    failed: int
    figures: dict[str, Estimate]
    differences: dict[str, Estimate]
    note: str = ""


def summarise(spec: Spec, rows: Sequence[CellResult]) -> list[VariantSummary]:
    """Return one summary for each variant, in the order of the file."""
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
    """Estimate each figure, or its difference to the base, over the seeds in which it is known."""
    estimates = {}
    for name in names:
        values = [(row.figure(name), 0.0 if base is None else base.figure(name)) for row, base in pairs]
        if mean := estimate([a - b for a, b in values if a is not None and b is not None]):
            estimates[name] = mean
    return estimates


def _not_comparable_reason(row: CellResult, base: CellResult) -> str:
    if row.text_sha256 != base.text_sha256:
        return "not comparable with the base, because another text was scored"
    return "not comparable with the base, because a tokenizer is lossy and the tokenizers differ"
