"""Fixtures for tests of data."""

from pathlib import Path

import pytest

from octavo.corpus import Corpus, tiny_shakespeare


@pytest.fixture(scope="session")
def shakespeare_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return Tiny Shakespeare as a corpus."""
    return Corpus.from_text(tiny_shakespeare(Path(tmp_path_factory.mktemp("shakespeare"))), "shakespeare")
