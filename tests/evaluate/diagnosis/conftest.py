"""What tests of the diagnosis share."""

import contextlib
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from octavo.pipeline.run import Run
from octavo.pipeline.train import train

Train = Callable[..., Run]


class Collapsed(NamedTuple):
    """A run that fell back to the floor, and what was said while it did."""

    run: Run
    said: str


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Settings of a model that collapses, or learns, within seconds, and validates on enough text to show it."""
    return {
        "tokenizer.vocab_size": 512,
        "model.dropout": 0.1,
        "model.hidden_dropout": 0.1,
        "optimizer.weight_decay": 0.1,
        "model.d_model": 32,
        "model.n_layers": 1,
        "model.d_ff": 64,
        "data.context_length": 32,
        "data.batch_size": 16,
        "train.precision": "fp32",
        "train.sample_every": 0,
        "train.validation_windows": 32,
    }


@pytest.fixture(scope="session")
def trained_on(small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Train and score on a text for so many steps: ``trained_on(play, 40, tokenizer__dropout=0.0)``."""

    def make(text: str, steps: int, **overrides: Any) -> Run:
        folder = tmp_path_factory.mktemp("runs")
        (folder / "text.txt").write_bytes(text.encode())
        settings = small | {name.replace("__", "."): value for name, value in overrides.items()}
        return train(folder / "text.txt", steps=steps, overrides=settings, runs=folder, progress=False, brief=True)

    return make


@pytest.fixture(scope="session")
def well(trained_on: Train) -> Run:
    """Trained on lines of a random word said six times: counting does not tell the next line, copying does."""
    random = np.random.Generator(np.random.PCG64(0))
    words = ("".join(chr(97 + letter) for letter in random.integers(0, 26, 5)) for _ in range(1500))
    text = "".join(f"{word * 6}\n" for word in words)
    return trained_on(text, 400, tokenizer__kind="characters", tokenizer__vocab_size=300)


@pytest.fixture(scope="session")
def collapsed_run(small: dict[str, Any], shakespeare: str, tmp_path_factory: pytest.TempPathFactory) -> Collapsed:
    """The reference's recipe, its decay stronger so that it takes seconds."""
    folder = tmp_path_factory.mktemp("collapsed")
    (folder / "text.txt").write_text(shakespeare[:100_000])
    overrides = small | {
        "optimizer.learning_rate": 3e-3,
        "optimizer.weight_decay": 0.04,
        "tokenizer.vocab_size": 100,
        "train.validate_every": 20,
        "train.validate_epochs": False,
    }
    with contextlib.redirect_stderr(io.StringIO()) as said:
        run = train(folder / "text.txt", preset="reference", steps=300, overrides=overrides, runs=folder, brief=True)
    return Collapsed(run, said.getvalue())
