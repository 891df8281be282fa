"""Of many documents, whole ones are held out, spread over the text and chosen by the seed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus import Corpus, CorpusSplit, Document, split
from octavo.corpus.split import chooses_documents
from octavo.errors import OctavoError


def corpus_of(*texts: str, unit: str = "file") -> Corpus:
    return Corpus("notes", tuple(Document(str(i), text) for i, text in enumerate(texts)), document_unit=unit)


MANY = corpus_of(*(f"document {number:03}" for number in range(200)))


def numbers(part: CorpusSplit) -> list[int]:
    return [int(str(segment)[-3:]) for segment in part.segments]


def test_a_tenth_of_the_documents_one_from_each_tenth_neighbour() -> None:
    train, validation, test = split(MANY, held_out="auto", seed=1)
    assert len(validation.segments) == 20
    assert [number // 10 for number in numbers(validation)] == list(range(20))
    assert test.segments == ()
    assert sorted(numbers(train) + numbers(validation)) == list(range(200))
    assert numbers(train) == sorted(numbers(train))
    assert numbers(validation) == sorted(numbers(validation))


def test_the_choice_is_a_function_of_the_seed() -> None:
    chosen = [tuple(numbers(split(MANY, held_out="auto", seed=seed).validation)) for seed in (1, 1, 2, 3)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) == 3
    # The same on every machine and with every version of Python.
    assert chosen[0][:6] == (9, 13, 20, 35, 42, 56)
    with_test = split(MANY, test=0.2, held_out="auto", seed=1)
    assert tuple(numbers(with_test.validation)) == chosen[0], "a test split does not change it"
    assert len(with_test.test.segments) == 40
    assert {number // 10 for number in numbers(with_test.test)} == set(range(20))


def test_fewer_than_twenty_documents_or_on_request_the_end_is_held_out() -> None:
    for corpus, held_out in ((corpus_of(*["0123456789"] * 19), "auto"), (MANY, "end")):
        found = split(corpus, held_out=held_out, seed=7)  # type: ignore[arg-type]
        assert found == split(corpus)
        assert "".join(part.text for part in found) == "".join(str(each.text) for each in corpus.documents)
    assert chooses_documents(corpus_of(*["x"] * 20), "auto")


@given(
    st.lists(st.integers(1, 300), min_size=3, max_size=60),
    st.sampled_from([0.01, 0.1, 0.3, 0.5]),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.integers(0, 2**63 - 1),
)
def test_documents_stay_whole_and_none_is_lost(lengths: list[int], validation: float, test: float, seed: int) -> None:
    texts = [chr(0x4E00 + number) * length for number, length in enumerate(lengths)]
    try:
        parts = split(corpus_of(*texts), validation=validation, test=test, held_out="documents", seed=seed)
    except OctavoError:  # three documents for three splits, of which validation took two
        assert test
        return
    assert sorted(map(str, itertools.chain(*(part.segments for part in parts)))) == sorted(texts)
    for part, fraction in zip(parts[1:], (validation, test), strict=True):
        assert len(part.segments) >= (fraction > 0)
        assert part.characters <= fraction * sum(lengths) or len(part.segments) == 1
        assert len(part.segments) <= max(1, round(2 * fraction * len(lengths)))


def test_long_documents_do_not_leave_all_short_ones_to_validation() -> None:
    corpus = corpus_of("x" * 100_000, *["short"] * 19)
    train, validation, _ = split(corpus, held_out="auto", seed=0)
    assert (len(train.segments), len(validation.segments)) == (16, 4)


def test_two_documents_are_too_few() -> None:
    with pytest.raises(OctavoError, match=r"only 2 documents, too few for data\.held_out=documents"):
        split(corpus_of("abc", "def"), held_out="documents")
    assert len(split(corpus_of("abc", "defg", "hi"), held_out="documents").validation.segments) == 1


def test_every_end_counts_unless_documents_are_files() -> None:
    lines = corpus_of(*["some line"] * 40, unit="lines")
    assert [part.ends for part in split(lines, test=0.1, held_out="auto")] == [32, 4, 4]
    assert [part.ends for part in split(MANY, held_out="auto")] == [0, 0, 0]
