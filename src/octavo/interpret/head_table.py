"""Names of heads: a head gets one only when a number earns it. The rule in words is in docs/heads.md.

The table of heads: what each looks at, how far, how sharply, and what it is worth.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from octavo.errors import OctavoError
from octavo.system.statistics import Estimate

UNIFORM, INERT, UNCLASSIFIED = "even", "unused", "no name"

MIN_FRACTION = 0.35  # of a head's attention that a kind must have to give its name
MIN_RATIO_TO_UNIFORM = 2.0  # and as a multiple of what even attention would give it
UNIFORM_DISTANCE = 0.05  # distance from even attention, 0 … 1, below which nobody would see a difference
INERT_COST = 0.005  # bits a character: a removal that changes the score by less is worth nothing
MIN_WINDOWS = 5  # windows: of fewer an interval holds the truth too seldom


@dataclass(frozen=True)
class AttentionFraction:
    """A share of attention, beside what attention that is even over all tokens so far would give: chance."""

    measured: Estimate
    uniform: float

    @property
    def excess(self) -> float:
        """What it has more than chance."""
        return self.measured.mean - self.uniform

    @property
    def is_significant(self) -> bool:
        """Whether the whole interval lies above both thresholds."""
        low = self.measured.low
        return (
            low is not None
            and self.measured.n >= MIN_WINDOWS
            and low > max(MIN_FRACTION, MIN_RATIO_TO_UNIFORM * self.uniform)
        )


def classify_head(
    shares: Mapping[str, AttentionFraction],
    random: AttentionFraction | None,
    from_even: Estimate,
    removal: Mapping[str, Estimate],
) -> str:
    """EVEN, UNUSED, the kind that exceeds chance by most among those that earn their name, or UNCLASSIFIED.

    Induction has to earn it on repeated random tokens (`random`) too: in a text, what came after a token may be
    looked at because it is, say, a line start.
    """
    if _within(from_even, UNIFORM_DISTANCE):
        return UNIFORM
    if all(_within(cost, INERT_COST) for cost in removal.values()):
        return INERT
    earned = {kind: share.excess for kind, share in shares.items() if share.is_significant}
    if random is None or not random.is_significant:
        earned.pop("induction", None)
    return max(earned, key=lambda kind: earned[kind]) if earned else UNCLASSIFIED


def _within(estimate: Estimate, most: float) -> bool:
    """Whether the whole interval lies within ±`most`: not only that no difference is seen, but that none matters."""
    low, high = estimate.low, estimate.high
    return low is not None and high is not None and estimate.n >= MIN_WINDOWS and max(-low, high) < most


_VERSION = 1
_KEYS = {  # in heads.json, which earlier versions wrote too, by the field's name
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
    """One head. Intervals are over windows of a text; those of `induction_random` over random sequences."""

    layer: int
    head: int
    target_fractions: Mapping[
        str, AttentionFraction
    ]  # by kind (octavo.interpret.attention_targets); of a kind that the text has none of, none
    induction_random: AttentionFraction | None  # on the token after the same one, in random tokens that are repeated
    distance: Estimate  # tokens that it looks back
    entropy: Estimate  # bits
    relative_entropy: Estimate  # as a share of even attention's, 0 … 1
    distance_from_uniform: Estimate  # 0: all tokens so far alike … 1: one token alone
    ablation_costs: Mapping[
        str, Estimate
    ]  # bits a character that each removal (octavo.interpret.head_ablation) costs

    @property
    def label(self) -> str:
        """Layer and head, counted from 0, as ``1.3``."""
        return f"{self.layer}.{self.head}"

    @cached_property
    def name(self) -> str:
        """What it has earned: see octavo.interpret.head_table."""
        return classify_head(
            self.target_fractions, self.induction_random, self.distance_from_uniform, self.ablation_costs
        )


@dataclass(frozen=True)
class HeadTable:
    """All heads of a model, in order, and what they were measured on."""

    heads: tuple[Head, ...]
    text: str  # its name
    windows: int
    window_tokens: int
    characters: float  # predicted in these windows
    bits_per_character: Estimate  # of the model as it is, in these windows; without an interval of one window
    uniform_distance: float  # how many tokens back even attention looks
    uniform_entropy: float  # its entropy in bits
    lossless_tokenizer: bool  # False: no figure in bits a character compares with other models'

    @property
    def layers(self) -> tuple[tuple[Head, ...], ...]:
        """The heads of each layer."""
        count = 1 + max(head.layer for head in self.heads)
        return tuple(tuple(head for head in self.heads if head.layer == layer) for layer in range(count))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with each head's name."""
        values = asdict(self, dict_factory=lambda items: {_KEYS.get(name, name): value for name, value in items})
        for entry, head in zip(values["heads"], self.heads, strict=True):
            entry["name"] = head.name
        return {"version": _VERSION, **values}

    @classmethod
    def from_json(cls, values: Any) -> "HeadTable":
        """What :meth:`to_dict` gave; names are worked out again.

        Raises:
            OctavoError: it is something else.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError
            table = {key: value for key, value in values.items() if key != "version"}
            heads = tuple(_head(entry) for entry in table.pop("heads"))
            bits = Estimate(**table.pop("bits_per_character"))
            uniform = {name: table.pop(_KEYS[name]) for name in ("uniform_distance", "uniform_entropy")}
            return cls(heads=heads, bits_per_character=bits, **uniform, **table)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise OctavoError("this is no table of heads of this version: measure the heads anew") from None


def _head(values: dict[str, Any]) -> Head:
    random = values["induction_random"]
    return Head(
        layer=values["layer"],
        head=values["head"],
        target_fractions={kind: _fraction(entry) for kind, entry in values["shares"].items()},
        induction_random=random and _fraction(random),
        distance=Estimate(**values["distance"]),
        entropy=Estimate(**values["entropy"]),
        relative_entropy=Estimate(**values["relative_entropy"]),
        distance_from_uniform=Estimate(**values["from_even"]),
        ablation_costs={name: Estimate(**cost) for name, cost in values["removal"].items()},
    )


def _fraction(values: dict[str, Any]) -> AttentionFraction:
    return AttentionFraction(Estimate(**values["found"]), values["even"])
