"""How likely something was, in words."""

import math

import pytest

from octavo.interpret.predictions import one_in


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0.0, "1 in 1"),
        (8.2, "1 in 290"),
        (23.0, "1 in 8,400,000"),
        (60.0, "1 in 10^18"),
        (300.0, "1 in 10^90"),
        (2000.0, "1 in 10^602"),
    ],
)
def test_a_chance_is_short_however_small(bits: float, words: str) -> None:
    assert one_in(bits * math.log(2)) == words
