"""The examples in docstrings give what they say: all of the public API, and those of some other modules."""

import doctest
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import octavo
from octavo.pipeline.run import Run

PUBLIC = [getattr(octavo, name) for name in octavo.__all__]
INTERNAL = [
    "config.comments",
    "config.hyperparameters",
    "config.inference",
    "config.shapes",
    "data.batch_order",
    "data.prepare",
    "data.token_files",
    "data.windows",
    "kernels.decoding",
    "model.attention",
    "model.dropout",
    "model.kv_cache",
    "model.transformer",
    "runs.earlier_versions",
    "system.progress",
]
FINDER = doctest.DocTestFinder(exclude_empty=True)
# Methods of Run are functions of other modules, so the finder must not look at one module alone.
EXAMPLES = [
    found for value in PUBLIC for found in FINDER.find(value, value.__qualname__, False, {}) if found.examples
]


@pytest.fixture(scope="module")
def folder(trained: Run, play_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with hamlet.txt and two runs, runs/hamlet and runs/othello."""
    path = tmp_path_factory.mktemp("examples")
    shutil.copyfile(play_file, path / "hamlet.txt")
    for name in ("hamlet", "othello"):
        shutil.copytree(trained.path, path / "runs" / name)
    return path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(example: doctest.DocTest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("OCTAVO_RUNS", raising=False)
    example.globs = {"octavo": octavo, "run": octavo.load("hamlet")}
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert result.attempted == sum(doctest.SKIP not in one.options for one in example.examples)
    assert not result.failed, "".join(said)


def test_every_public_name_has_an_example() -> None:
    without = {value.__qualname__ for value in PUBLIC} - {found.name.partition(".")[0] for found in EXAMPLES}
    assert not without


@pytest.mark.parametrize("module", INTERNAL)
def test_examples_of_a_module(module: str) -> None:
    result = doctest.testmod(import_module(f"octavo.{module}"), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed
