"""What many tests share: a text, settings of a very small model, and runs trained once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from octavo.config import Config
from octavo.corpus import Corpus, tiny_shakespeare
from octavo.data import prepare
from octavo.model import Transformer
from octavo.pipeline import train
from octavo.run import Run, load
from octavo.training import Counted, Training, TrainingState, training_data

MakeTraining = Callable[..., Training]
Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def shakespeare() -> str:
    """Tiny Shakespeare."""
    return tiny_shakespeare()


@pytest.fixture(scope="session")
def play(shakespeare: str) -> str:
    """Its first 40,000 characters."""
    return shakespeare[:40_000]


@pytest.fixture(scope="session")
def play_file(play: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file, play.txt."""
    path = tmp_path_factory.mktemp("texts") / "play.txt"
    path.write_bytes(play.encode())
    return path


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Settings of a model that takes a few milliseconds a step."""
    return {
        "model.d_model": 32,
        "model.n_layers": 1,
        "model.d_ff": 64,
        "data.context_length": 32,
        "data.batch_size": 16,
        "train.precision": "fp32",
        "train.log_every": 5,
        "train.validate_every": 20,
        "train.validation_windows": 8,
        "train.sample_every": 0,
    }


@pytest.fixture(scope="session", autouse=True)
def _quick() -> Iterator[None]:
    """Models this small are fastest on one thread, and forecasts of time may be rough here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octavo.training.preflight._PROBE_SECONDS", 0.1)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def make_training() -> MakeTraining:
    """A training loop over a text, from its first step, with nothing on disk."""

    def make(config: Config, text: str, *, dtype: torch.dtype = torch.float32, **options: Any) -> Training:
        tokenizer, parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)
        counted = {name: Counted(ids, part.characters) for name, (part, ids) in parts.items()}
        data = training_data(config, counted["train"], counted["validation"], tokenizer)
        state = TrainingState(Transformer(config.model, tokenizer.vocab_size, config.train.seed), config)
        return Training(state, data, config, dtype=dtype, **options)

    return make


@pytest.fixture(scope="session")
def trained(play_file: Path, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 80 steps on the play; for reading only."""
    overrides = tiny | {"train.checkpoint_every": 40, "train.sample_every": 40}
    return train(play_file, steps=80, overrides=overrides, runs=tmp_path_factory.mktemp("runs"), progress=False)


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Run:
    """A copy of the trained run, for tests that write into it."""
    shutil.copytree(trained.path, tmp_path / trained.name)
    return load(tmp_path / trained.name)


STRANGE = "héllo 😀👍🏽 \x1b[31mred\x1b[0m 日本\u202e\n"


@pytest.fixture(scope="session")
def strange(tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on a text of emoji and escape sequences, whose tokens are single bytes; for reading only."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / "strange.txt").write_bytes((STRANGE * 200).encode())
    overrides = tiny | {"tokenizer.vocab_size": 257, "train.validate_every": -1}
    return train(folder / "strange.txt", steps=60, overrides=overrides, runs=folder, progress=False)


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of a process: one thread, and nothing that would change how it writes."""
    unwanted = {"PYTHONUNBUFFERED", "OCTAVO_RUNS", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def octavo_process(environment: dict[str, str]) -> Octavo:
    """Run the command in a process of its own: octavo_process("runs", "--runs", "here")."""

    def run(*arguments: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "octavo.cli.main", *map(str, arguments)]
        given: dict[str, Any] = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run(command, timeout=60, check=False, text=True, **(given | options))

    return run
