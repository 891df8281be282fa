"""The course report's experiment before its first step: real tokenizer, data and initial weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.config import Config, load_preset
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.data.token_files import save_splits
from octavo.formats.toml_schema import to_toml, with_overrides
from octavo.model import Transformer
from octavo.pipeline.run import Run
from octavo.runs import RunDirectory
from octavo.runs.checkpoint import save_checkpoint
from octavo.training.state import TrainingState

Untrained = Callable[..., Run]


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Untrained:
    """Make a run of the preset `reference` over a text, with `overrides`, that has not taken a step."""

    def make(text: str, overrides: dict[str, Any] | None = None) -> Run:
        folder: Path = tmp_path_factory.mktemp("untrained")
        config: Config = with_overrides(load_preset("reference"), (overrides or {}).items())
        tokenizer, parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)
        (folder / "config.toml").write_text(to_toml(config))
        tokenizer.save(folder / "tokenizer.json")
        save_splits(folder / "data", parts)
        state = TrainingState(Transformer(config.model, tokenizer.vocab_size, config.train.seed), config)
        save_checkpoint(folder / "checkpoints", state.checkpoint(metrics_bytes=0), keep=0)
        return Run(RunDirectory(folder))

    return make


@pytest.fixture(scope="session")
def reference(untrained: Untrained, shakespeare: str) -> Run:
    """Return the report's own experiment, not trained; for reading only."""
    return untrained(shakespeare)
