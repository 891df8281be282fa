"""The table of attention heads: target fractions, distance, entropy and ablation costs, and the name of each head.

A head gets a name only if the figures support it; docs/heads.md states the rule.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from octavo.errors import OctavoError
from octavo.formats.json_schema import from_json
from octavo.system.statistics import Estimate

UNIFORM, INERT, UNCLASSIFIED = "even", "unused", "no name"

MIN_FRACTION = 0.35  # of a head's attention that a kind needs to give its name
MIN_RATIO_TO_UNIFORM = 2.0  # and as a multiple of the fraction of uniform attention
UNIFORM_DISTANCE = 0.05  # distance from uniform attention, 0 … 1, below which a plot shows no difference
INERT_COST = 0.005  # bits per character: an ablation that changes the score by less has no cost
MIN_WINDOWS = 5  # an interval of fewer windows covers the true value too rarely


@dataclass(frozen=True)
class AttentionFraction:
    """The fraction of a head's attention that goes to a target kind, and that of uniform attention."""

    measured: Estimate
    uniform: float

    @property
    def excess(self) -> float:
        """Return the measured fraction minus that of uniform attention."""
        return self.measured.mean - self.uniform

    @property
    def is_significant(self) -> bool:
        """Return whether the complete interval lies above both thresholds."""
        low, threshold = self.measured.low, max(MIN_FRACTION, MIN_RATIO_TO_UNIFORM * self.uniform)
        return low is not None and self.measured.n >= MIN_WINDOWS and low > threshold


def classify_head(
    fractions: Mapping[str, AttentionFraction],
    random: AttentionFraction | None,
    distance_from_uniform: Estimate,
    costs: Mapping[str, Estimate],
) -> str:
    """Return the name of a head.

    Args:
        fractions: the attention fraction of each target kind.
        random: that of induction on repeated random tokens. Induction must be significant there too: in a text, the
            token after an earlier occurrence may also be, for example, a line start.
        distance_from_uniform: 0 to 1.
        costs: the cost of each ablation in bits per character.

    Returns:
        UNIFORM; INERT, if no ablation has a cost; the significant kind with the largest excess; or UNCLASSIFIED.
    """
    if _is_within(distance_from_uniform, UNIFORM_DISTANCE):
        return UNIFORM
    if all(_is_within(cost, INERT_COST) for cost in costs.values()):
        return INERT
    excess = {kind: fraction.excess for kind, fraction in fractions.items() if fraction.is_significant}
    if random is None or not random.is_significant:
        excess.pop("induction", None)
    return max(excess, key=lambda kind: excess[kind]) if excess else UNCLASSIFIED


def _is_within(estimate: Estimate, limit: float) -> bool:
    """Return whether the complete interval lies within ±limit: a difference would be known, and none matters."""
    low, high = estimate.low, estimate.high
    return low is not None and high is not None and estimate.n >= MIN_WINDOWS and max(-low, high) < limit


_VERSION = 1
_KEYS = {  # in heads.json, by field; earlier versions wrote the same keys
    "target_fractions": "shares",
    "distance_from_uniform": "from_even",
    "ablation_costs": "removal",
    "measured": "found",
    "uniform": "even",
    "uniform_distance": "even_distance",
    "uniform_entropy": "even_entropy",
}


@dataclass(frozen=True)
class Head:
    """The figures of one head. Intervals are over windows of a text; of `induction_random` over random sequences."""

    layer: int
    head: int
    target_fractions: Mapping[str, AttentionFraction]  # by kind (octavo.interpret.attention_targets) in the text
    induction_random: AttentionFraction | None  # induction on repeated random tokens
    distance: Estimate  # mean attention distance in tokens
    entropy: Estimate  # bits
    relative_entropy: Estimate  # as a fraction of that of uniform attention, 0 … 1
    distance_from_uniform: Estimate  # 0: uniform … 1: one token
    ablation_costs: Mapping[str, Estimate]  # bits per character, by ablation (octavo.interpret.head_ablation)

    @property
    def label(self) -> str:
        """Return layer and head, counted from 0, as ``1.3``."""
        return f"{self.layer}.{self.head}"

    @cached_property
    def name(self) -> str:
        """Return the name of the head; see :func:`classify_head`."""
        return classify_head(
            self.target_fractions, self.induction_random, self.distance_from_uniform, self.ablation_costs
        )


@dataclass(frozen=True)
class HeadTable:
    """All heads of a model in their order, and the sample that they were measured on."""

    heads: tuple[Head, ...]
    text: str  # the name of the text
    windows: int
    window_tokens: int
    characters: float  # of the targets in these windows
    bits_per_character: Estimate  # of the unchanged model in these windows; one window gives no interval
    uniform_distance: float  # mean attention distance of uniform attention, in tokens
    uniform_entropy: float  # entropy of uniform attention, in bits
    lossless_tokenizer: bool  # False: bits per character are not comparable with other models

    @property
    def layers(self) -> tuple[tuple[Head, ...], ...]:
        """Return the heads of each layer."""
        count = 1 + max(head.layer for head in self.heads)
        return tuple(tuple(head for head in self.heads if head.layer == layer) for layer in range(count))

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values under the keys of heads.json, with each head's name."""
        values = _rename(asdict(self), _KEYS)
        for entry, head in zip(values["heads"], self.heads, strict=True):
            entry["name"] = head.name
        return {"version": _VERSION, **values}

    @classmethod
    def from_json(cls, values: Any) -> "HeadTable":
        """Return the table of the values of :meth:`to_dict`; names are computed again.

        Raises:
            OctavoError: the values are something else.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError
            table = {key: value for key, value in values.items() if key != "version"}
            return from_json(cls, _rename(table, {key: name for name, key in _KEYS.items()}))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise OctavoError("this is not a head table of this version: measure the heads again") from None


def _rename(values: Any, names: Mapping[str, str]) -> Any:
    """Return plain values whose keys, at any depth, are replaced by their `names`."""
    if isinstance(values, dict):
        return {names.get(key, key): _rename(value, names) for key, value in values.items()}
    return [_rename(value, names) for value in values] if isinstance(values, list | tuple) else values
