"""Amounts of work so small that every suite takes seconds, and checkouts of peers where there are some."""

import os
import shutil
from pathlib import Path

import pytest

from octavo.bench.growth import Sizes


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the work of each turn tiny."""
    for name, amount in (
        ("training._STEPS_PER_TURN", 1),
        ("training._SCORED_TOKENS", 500),
        ("generation._TOKENS_PER_TEXT", 6),
        ("generation._STREAMS", 3),
        ("generation._FIRST_TOKENS_PER_TURN", 1),
        ("generation._PROCESS_TOKENS", 3),
        ("llama2c._TEXTS_PER_TURN", 1),
        ("growth._TOKENS_PER_TURN", 64),
        ("growth._TOKENS_PER_TEXT", 4),
    ):
        monkeypatch.setattr(f"octavo.bench.{name}", amount)
    sizes = Sizes(contexts=(8, 16), widths=(32, 64), batches=(1, 2), streams=(1, 2), texts=(300, 600), lengths=(4, 8))
    monkeypatch.setattr("octavo.bench.growth.Sizes", lambda: sizes)


PEERS = os.environ.get("OCTAVO_PEERS")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests without their compiler or peer: skipping here gives one line in pytest's summary."""
    names = getattr(item, "fixturenames", ())
    if "compiler" in names and shutil.which("cc") is None:
        pytest.skip("no C compiler called cc")  # a machine may lack one
    if "peer_folder" in names and not PEERS:
        pytest.skip("no peers: OCTAVO_PEERS names no folder of their checkouts")  # the repository holds no copy


@pytest.fixture
def compiler() -> None:
    """Require a C compiler."""


@pytest.fixture
def peer_folder() -> Path:
    """Return the folder with checkouts of llama2.c and nanoGPT."""
    return Path(PEERS or "")
