"""The parts are the corpus again, in order, cut where the decimals say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus import Corpus, CorpusSplit, Document, split, tiny_shakespeare
from octavo.errors import OctavoError


def corpus_of(*texts: str) -> Corpus:
    return Corpus("notes", tuple(Document(str(i), text) for i, text in enumerate(texts)))


def test_tiny_shakespeare_is_cut_where_everybody_cuts_it(tmp_path: Path) -> None:
    text = tiny_shakespeare(tmp_path)
    train, validation, test = split(Corpus.from_text(text))
    assert (train.characters, validation.characters, test.characters) == (1_003_854, 111_540, 0)
    assert train.text == text[: int(0.9 * len(text))]
    assert validation.text == text[int(0.9 * len(text)) :]
    assert test.segments == ()


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=6),
    st.floats(0.001, 0.998),
    st.floats(0, 0.998),
)
def test_the_parts_joined_are_the_corpus(texts: list[str], validation: float, test: float) -> None:
    corpus = corpus_of(*texts)
    try:
        parts = split(corpus, validation=validation, test=test)
    except OctavoError:  # too little text for these fractions
        return
    assert "".join(part.text for part in parts) == "".join(texts)
    assert sum(part.characters for part in parts) == corpus.characters
    assert sum(part.bytes for part in parts) == corpus.bytes
    assert all(segment for part in parts for segment in part.segments)
    assert parts.train.segments
    assert parts.validation.segments
    # the only segments that are not whole documents are the two halves at a border
    assert sum(len(part.segments) for part in parts) <= len(texts) + 2


def test_a_document_is_cut_in_two_by_a_border() -> None:
    train, validation, test = split(corpus_of("abcdef", "ghij"), validation=0.3, test=0.3)
    assert train == CorpusSplit(("abcd",))
    assert validation == CorpusSplit(("ef", "g"))
    assert test == CorpusSplit(("hij",))
    assert validation.text == "efg"


def test_characters_count_not_bytes() -> None:
    train, validation, _ = split(corpus_of("🙂" * 9 + "x"))
    assert (train.characters, train.bytes) == (9, 36)
    assert (validation.characters, validation.bytes) == (1, 1)


@given(st.integers(2, 999), st.integers(1, 999), st.integers(0, 998))
def test_no_float_rounding_moves_a_border(tens: int, validation: int, test: int) -> None:
    """On 1000 k characters thousandths cut exactly, though 1 - 0.1 - 0.2 is 0.7000000000000001."""
    if validation + test >= 1000:
        return
    parts = split(Corpus.from_text("x" * (1000 * tens)), validation=validation / 1000, test=test / 1000)
    assert [part.characters for part in parts] == [
        *(tens * (1000 - validation - test), tens * validation, tens * test)
    ]


def test_ninety_to_ten_is_int_of_nine_tenths_for_every_length() -> None:
    for n in range(2, 3000):
        assert split(Corpus.from_text("x" * n)).train.characters == int(n * 0.9)


def test_a_test_part_that_was_asked_for_is_never_empty() -> None:
    assert split(corpus_of("x" * 100), validation=0.5, test=0.001).test.characters == 1


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan"), float("inf")])
def test_fractions_out_of_range_are_refused(fraction: float) -> None:
    with pytest.raises(OctavoError, match=r"validation fraction is .*: choose one from 0"):
        split(corpus_of("x" * 100), validation=fraction)
    with pytest.raises(OctavoError, match=r"test fraction is .*: choose one from 0"):
        split(corpus_of("x" * 100), test=fraction)


def test_fractions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(OctavoError, match="leave nothing to train on: choose fractions with a sum below 1"):
        split(corpus_of("x" * 100), validation=0.5, test=0.5)
    with pytest.raises(OctavoError, match="validation fraction is 0: choose one above 0"):
        split(corpus_of("x" * 100), validation=0)


def test_too_little_text_is_refused() -> None:
    with pytest.raises(OctavoError, match="train split of notes would be empty, as the text has only 1 character:"):
        split(corpus_of("x"))
    with pytest.raises(OctavoError, match=r"validation split of notes would be empty, .* only 3 characters:"):
        split(corpus_of("xyz"), validation=0.1, test=0.5)
