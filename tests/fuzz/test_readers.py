"""Each reader alone with mutants of valid files: a few by Hypothesis here, many by atheris in `make soak`."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.mutations import mutant
from tests.fuzz.readers import READERS, Reader, put_back, seeds

from octavo.pipeline.run import Run

PIECES = st.sampled_from([b"", b"\0", b"\n", b'"', b"{", b"[" * 64, b"1e999", b"-1", b"9" * 30, b"\xff", b"\\ud800"])
each = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def files(trained: Run, folder: Path) -> dict[str, bytes]:
    return seeds(trained.path, folder)


@each
def test_a_reader_accepts_what_octavo_wrote(reader: Reader, files: dict[str, bytes], folder: Path) -> None:
    assert reader.takes(files[reader.file], folder)


@each
@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the files, where a mutant is a fault
@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    number=st.integers(0, 10**6),
    more=st.booleans(),
    at=st.floats(0, 1),
    cut=st.integers(0, 8),
    piece=PIECES | st.binary(max_size=8),
)
def test_a_reader_refuses_a_mutant_or_agrees_with_other_parsers(
    reader: Reader, files: dict[str, bytes], folder: Path, number: int, more: bool, at: float, cut: int, piece: bytes
) -> None:
    changed = mutant({reader.file: files[reader.file]}, 0, number).content or files[reader.file]
    place = int(at * len(changed))
    if more:
        changed = changed[:place] + piece + changed[place + cut :]
    try:
        reader.takes(changed, folder)
    finally:
        put_back(folder, files)
