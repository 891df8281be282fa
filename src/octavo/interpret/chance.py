"""A chance as people say it: 1 in 290."""

import math

_WRITTEN_OUT = 7  # digits; what is rarer is said to the nearest power of ten


def chance(nats: float) -> str:
    """How likely something was that cost so many nats, to two digits.

    It is said from the cost, since the probability itself rounds to 0 from about 745 nats.
    """
    magnitude = nats / math.log(10)
    if magnitude >= _WRITTEN_OUT:
        return f"1 in 10^{magnitude:.0f}"
    return f"1 in {float(f'{math.exp(nats):.2g}'):,.0f}"
