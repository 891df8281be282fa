"""A mean over seeds with its bootstrap interval.

The percentile bootstrap resamples the seeds and takes quantiles of the means. With the handful of seeds that an
experiment has, those quantiles are too narrow: of five numbers they hold the true mean in 83 cases of 100 instead of
95. So they are taken further out, by as much as Student's t lies outside the normal distribution: the *expanded
percentile interval* of Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69
(2015): of five, 92 in 100. No interval reaches beyond the smallest and the largest number, so that of two seeds it
holds the true mean in half of the cases, and of three in three quarters: the number of seeds is always said with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_RESAMPLES = 9_999
_SEED = 0  # the same numbers give the same interval


@dataclass(frozen=True)
class Estimate:
    """A mean of `n` numbers, and the interval `low` … `high`; None of one number alone."""

    n: int
    mean: float
    low: float | None
    high: float | None


def estimate(numbers: Sequence[float]) -> Estimate | None:
    """The mean of numbers, one for each seed, and its interval; None if there are none."""
    n = len(numbers)
    if not n:
        return None
    mean = math.fsum(numbers) / n
    if n == 1:
        return Estimate(1, mean, None, None)
    if max(numbers) == min(numbers):
        return Estimate(n, mean, mean, mean)
    import numpy as np
    from scipy.stats import bootstrap

    interval = bootstrap(
        (np.asarray(numbers),),
        np.mean,
        method="percentile",
        confidence_level=expanded_confidence(n),
        n_resamples=_RESAMPLES,
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Estimate(n, mean, float(interval.low), float(interval.high))


def expanded_confidence(n: int) -> float:
    """The confidence to ask the percentile bootstrap of `n` numbers for, so as to get CONFIDENCE."""
    from scipy.stats import norm, t

    return float(1 - 2 * norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf((1 + CONFIDENCE) / 2, n - 1)))
