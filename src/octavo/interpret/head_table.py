"""The table of heads: what each looks at, how far, how sharply, and what it is worth."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from octavo.errors import OctavoError
from octavo.interpret.head_names import Share, head_name
from octavo.intervals import Estimate

_VERSION = 1


@dataclass(frozen=True)
class Head:
    """One head. Intervals are over windows of a text; those of `induction_random` over random sequences."""

    layer: int
    head: int
    shares: Mapping[str, Share]  # by kind (octavo.interpret.targets); of a kind that the text has none of, none
    induction_random: Share | None  # on the token after the same one, in random tokens that are repeated
    distance: Estimate  # tokens that it looks back
    entropy: Estimate  # bits
    relative_entropy: Estimate  # as a share of even attention's, 0 … 1
    from_even: Estimate  # 0: all tokens so far alike … 1: one token alone
    removal: Mapping[str, Estimate]  # bits a character that each removal (octavo.interpret.removal) costs

    @property
    def label(self) -> str:
        """Layer and head, counted from 0, as ``1.3``."""
        return f"{self.layer}.{self.head}"

    @cached_property
    def name(self) -> str:
        """What it has earned: see octavo.interpret.head_names."""
        return head_name(self.shares, self.induction_random, self.from_even, self.removal)


@dataclass(frozen=True)
class HeadTable:
    """All heads of a model, in order, and what they were measured on."""

    heads: tuple[Head, ...]
    text: str  # its name
    windows: int
    window_tokens: int
    characters: float  # predicted in these windows
    bits_per_character: Estimate  # of the model as it is, in these windows; without an interval of one window
    even_distance: float  # how many tokens back even attention looks
    even_entropy: float  # its entropy in bits
    lossless_tokenizer: bool  # False: no figure in bits a character compares with other models'

    @property
    def layers(self) -> tuple[tuple[Head, ...], ...]:
        """The heads of each layer."""
        count = 1 + max(head.layer for head in self.heads)
        return tuple(tuple(head for head in self.heads if head.layer == layer) for layer in range(count))

    def as_json(self) -> dict[str, Any]:
        """Plain values, with each head's name."""
        values = asdict(self)
        for entry, head in zip(values["heads"], self.heads, strict=True):
            entry["name"] = head.name
        return {"version": _VERSION, **values}

    @classmethod
    def from_json(cls, values: Any) -> "HeadTable":
        """What :meth:`as_json` gave; names are worked out again.

        Raises:
            OctavoError: it is something else.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError
            table = {key: value for key, value in values.items() if key != "version"}
            heads = tuple(_head(entry) for entry in table.pop("heads"))
            bits = Estimate(**table.pop("bits_per_character"))
            return cls(heads=heads, bits_per_character=bits, **table)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise OctavoError("this is no table of heads of this version: measure the heads anew") from None


def _head(values: dict[str, Any]) -> Head:
    estimates = {name: Estimate(**values[name]) for name in ("distance", "entropy", "relative_entropy", "from_even")}
    random = values["induction_random"]
    return Head(
        layer=values["layer"],
        head=values["head"],
        shares={kind: _share(share) for kind, share in values["shares"].items()},
        induction_random=random and _share(random),
        removal={name: Estimate(**cost) for name, cost in values["removal"].items()},
        **estimates,
    )


def _share(values: dict[str, Any]) -> Share:
    return Share(Estimate(**values["found"]), values["even"])
