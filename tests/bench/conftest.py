"""Amounts of work so small that every suite takes seconds, and other people's programs where they are."""

import os
import shutil
from pathlib import Path

import pytest

from octavo.bench.growth import Sizes


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn does hardly anything."""
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
    """Skip what needs a compiler or a peer where there is none: here, so that all of it is one line of the end."""
    names = getattr(item, "fixturenames", ())
    if "compiler" in names and shutil.which("cc") is None:
        pytest.skip("no C compiler called cc")  # a machine may lack one
    if "peer_folder" in names and not PEERS:
        pytest.skip("no peers: OCTAVO_PEERS names no folder of their checkouts")  # they are other people's


@pytest.fixture
def compiler() -> None:
    """There is a C compiler."""


@pytest.fixture
def peer_folder() -> Path:
    """The checkouts of llama2.c and nanoGPT, of which the repository holds no copy."""
    return Path(PEERS or "")
