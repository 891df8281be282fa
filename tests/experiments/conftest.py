"""Fixtures of the tests of experiments: settings of cells that take a second, and rows without a run."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.experiments.results import CellResult

MakeRow = Callable[..., CellResult]


@pytest.fixture(scope="session")
def scene_file(play: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a short text, scene.txt."""
    path = tmp_path_factory.mktemp("scene") / "scene.txt"
    path.write_bytes(play[:8_000].encode())
    return path


@pytest.fixture
def values(scene_file: Path, tiny: dict[str, Any]) -> dict[str, Any]:
    """Return an experiment of two variants and two seeds, as a mapping."""
    return {
        "title": "Does a wider layer help?",
        "text": str(scene_file),
        "seeds": [1, 2],
        "steps": 6,
        "overrides": tiny | {"train.validate_every": 3, "train.log_every": 1},
        "variants": {"narrow": {}, "wide": {"model.d_ff": 96}},
    }


@pytest.fixture(scope="session")
def make_row() -> MakeRow:
    """Make a row of a cell with a score near `about`."""

    def make(variant: str, seed: int, about: float = 1.5, **figures: Any) -> CellResult:
        score = about + random.Random(f"{variant} {seed}").gauss(0, 0.01)
        given: dict[str, Any] = {"nats_per_character": score, "bits_per_character": score / 0.6931471805599453}
        given |= {"characters": 1000, "text_sha256": "t", "tokenizer": "k", "nats_per_token": 2 * score}
        return CellResult(variant, seed, f"{variant}-seed{seed}", **(given | figures))

    return make
