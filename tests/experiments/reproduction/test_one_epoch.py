"""An epoch of the course report's experiment over the whole text: facts that a stride changes, and the losses.

The real one has a window at every offset, 5,601 steps, and takes minutes. Windows here are 400 tokens apart: 14 steps
of the same model over the same text. `make soak` gives the whole command, to the last picture, more of them.
"""

import math
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from octavo.experiments.reproduction.epochs import epoch_rows
from octavo.experiments.reproduction.facts import check_facts
from octavo.formats.toml_schema import to_toml, with_overrides
from octavo.pipeline.run import Run
from octavo.runs import RunDirectory
from octavo.runs.events import EpochEvent
from octavo.training.data import TokenCount, training_data
from octavo.training.loop import Training
from octavo.training.state import TrainingState

STRIDE = 400
WINDOWS = (358_503 - 50 - STRIDE) // STRIDE + 1  # room for any phase of the stride


@pytest.fixture(scope="module")
def strided(reference: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The report's experiment with fewer windows, before its first step."""
    place = shutil.copytree(reference.path, tmp_path_factory.mktemp("strided") / "reference")
    changed = with_overrides(reference.config, [("data.stride", STRIDE), ("train.epochs", 1.0)])
    (place / "config.toml").write_text(to_toml(changed))
    return Run(RunDirectory(Path(place)))


def test_the_facts_are_the_reports_except_those_that_the_stride_changes(strided: Run) -> None:
    facts = {fact.name: fact for fact in check_facts(strided)}
    differing = {name for name, fact in facts.items() if not fact.equal}
    assert differing == {"training windows", "steps per epoch", "validation batches"}
    assert all(facts[name].because == ("data.stride",) for name in differing)
    assert facts["training windows"].seen == WINDOWS
    assert facts["steps per epoch"].seen == math.ceil(WINDOWS / 64)
    assert facts["parameters"].seen == 524_660
    assert facts["tokens"].seen == 448_129
    assert facts["validation tokens"].seen == 89_626


def test_an_epoch_lowers_the_loss(strided: Run) -> None:
    config = strided.config
    train, validation = (TokenCount(strided.splits[name].ids, 1) for name in ("train", "validation"))
    state = TrainingState(strided.model, config)
    training = Training(
        state, training_data(config, train, validation, strided.tokenizer), config, dtype=torch.float32
    )
    ended = [event for event in training if isinstance(event, EpochEvent)]
    (row,) = epoch_rows([{"event": event.kind, **asdict(event)} for event in ended])
    assert (row.epoch, state.step) == (1, math.ceil(WINDOWS / 64))
    assert row.validation_perplexity == pytest.approx(math.exp(row.validation_loss))
    assert (
        5.3 < row.validation_loss < 6.0
    )  # it starts at 6.2, the uniform baseline; at step 200 the real run has 5.39
    assert row.validation_loss < row.train_loss < math.log(500) + 0.7
