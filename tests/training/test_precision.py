"""Which numbers a step uses."""

import re
from typing import Any

import pytest
import torch

from octavo.config import TrainConfig
from octavo.training.precision import Precision, choose_precision


@pytest.mark.parametrize(("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_as_asked(name: Any, dtype: torch.dtype) -> None:
    chosen = choose_precision(TrainConfig(steps=1, precision=name))
    assert chosen == Precision(name, "as asked")
    assert chosen.dtype is dtype


def test_by_a_probe_which_says_why() -> None:
    chosen = choose_precision(TrainConfig(steps=1))
    measured = re.search(r"bf16 .*\b(\d+\.\d) times .*fp32", chosen.reason)
    assert measured
    ratio = float(measured[1])
    assert chosen.name == ("bf16" if ratio >= 1.3 else "fp32")
