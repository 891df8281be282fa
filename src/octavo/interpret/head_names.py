"""Names of heads: a head gets one only when a number earns it. The rule in words is in docs/heads.md."""

from collections.abc import Mapping
from dataclasses import dataclass

from octavo.intervals import Estimate

EVEN, UNUSED, NO_NAME = "even", "unused", "no name"

SHARE = 0.35  # of a head's attention that a kind must have to give its name
TIMES_EVEN = 2.0  # and as a multiple of what even attention would give it
NEAR_EVEN = 0.05  # distance from even attention, 0 … 1, below which nobody would see a difference
WORTH = 0.005  # bits a character: a removal that changes the score by less is worth nothing
FEWEST = 5  # windows: of fewer an interval holds the truth too seldom


@dataclass(frozen=True)
class Share:
    """A share of attention, beside what attention that is even over all tokens so far would give: chance."""

    found: Estimate
    even: float

    @property
    def excess(self) -> float:
        """What it has more than chance."""
        return self.found.mean - self.even

    @property
    def earns_name(self) -> bool:
        """Whether the whole interval lies above both thresholds."""
        low = self.found.low
        return low is not None and self.found.n >= FEWEST and low > max(SHARE, TIMES_EVEN * self.even)


def head_name(
    shares: Mapping[str, Share], random: Share | None, from_even: Estimate, removal: Mapping[str, Estimate]
) -> str:
    """EVEN, UNUSED, the kind that exceeds chance by most among those that earn their name, or NO_NAME.

    Induction has to earn it on repeated random tokens (`random`) too: in a text, what came after a token may be
    looked at because it is, say, a line start.
    """
    if _within(from_even, NEAR_EVEN):
        return EVEN
    if all(_within(cost, WORTH) for cost in removal.values()):
        return UNUSED
    earned = {kind: share.excess for kind, share in shares.items() if share.earns_name}
    if random is None or not random.earns_name:
        earned.pop("induction", None)
    return max(earned, key=lambda kind: earned[kind]) if earned else NO_NAME


def _within(estimate: Estimate, most: float) -> bool:
    """Whether the whole interval lies within ±`most`: not only that no difference is seen, but that none matters."""
    low, high = estimate.low, estimate.high
    return low is not None and high is not None and estimate.n >= FEWEST and max(-low, high) < most
