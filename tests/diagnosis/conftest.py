"""What tests of the diagnosis share."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Settings of a model that falls ill, or learns, within seconds; looks at enough text to tell."""
    return {
        "model.d_model": 32,
        "model.n_layers": 1,
        "model.d_ff": 64,
        "data.context_length": 32,
        "data.batch_size": 16,
        "train.precision": "fp32",
        "train.sample_every": 0,
        "train.validation_windows": 32,
    }
