"""Cutting a long text into pieces changes none of its tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.tokenizer import chunking as module
from octavo.tokenizer.base import Tokenizer
from octavo.tokenizer.chunking import CHUNK_CHARACTERS, chunks, learnable_chunks
from octavo.tokenizer.kinds import ByteBPE, Characters, WhitespaceBPE

PIECES = [*"ab1.'é🙂中", " ", "  ", "\n", "\n\n", "\n\n\n", "\r", "\r\n", "\t", "\u3000", "\x1c", "\x85", "\u0301"]
PIECES += ["हि", "\u093f", "١", "½", "'LL", "?!", "\u200d", "\u2028", "שָ"]
SPACED = st.lists(st.sampled_from(PIECES))


def ids_of_whole(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.pipeline.encode_batch_fast([text], add_special_tokens=False)[0].ids)


def ids_of_pieces(tokenizer: Tokenizer, pieces: list[str]) -> list[int]:
    return [i for piece in pieces for i in ids_of_whole(tokenizer, piece)]


@settings(deadline=None, max_examples=100, derandomize=True)
@given(pieces=SPACED, size=st.integers(1, 40))
def test_the_pieces_joined_are_the_text_and_none_is_empty(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    cut = list(chunks(text, size))
    assert "".join(cut) == text
    assert all(cut)
    assert all(len(piece) >= size for piece in cut[:-1])


@pytest.mark.parametrize("kind", [ByteBPE, Characters, WhitespaceBPE])
def test_the_beginning_has_the_tokens_of_the_whole(
    shakespeare: str, kind: type[ByteBPE | Characters | WhitespaceBPE]
) -> None:
    text = shakespeare[:200_000]
    tokenizer = kind.train(text[:20_000], 400)
    ids = tokenizer.encode(text)
    border = len(tokenizer.encode(next(chunks(text))))
    for tokens in (0, 1, 30, border - 1, border, border + 1, len(ids), len(ids) + 1):
        assert tokenizer.encode_beginning(text, tokens).tolist() == ids[:tokens].tolist()


def test_a_text_is_cut_before_the_space_of_a_word_and_after_a_lone_newline() -> None:
    assert list(chunks("abc def ghi", 1)) == ["abc", " def", " ghi"]
    assert list(chunks("a\nb\nc", 1)) == ["a\n", "b\n", "c"]
    assert list(chunks("abc def ghi", 5)) == ["abc def", " ghi"]
    assert list(chunks("abc def", 7)) == ["abc def"]
    assert list(chunks("", 7)) == []


@pytest.mark.parametrize("text", ["a\n\nb", "a  b", "a\n b", "a \nb", "a\t\tb"])
def test_a_run_of_white_space_is_not_cut(text: str) -> None:
    """Byte-level BPE takes the last one of a run by itself, so that a run that ends a piece is another token."""
    assert list(chunks(text, 1)) == [text]


def test_without_white_space_a_text_is_cut_where_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_SEARCH", 10)
    assert list(chunks("x" * 40, 5)) == ["x" * 15, "x" * 15, "x" * 10]
    assert [len(piece) for piece in chunks("x" * 12 + " y", 5)] == [12, 2]


@settings(deadline=None, max_examples=250, derandomize=True)
@given(pieces=SPACED, size=st.integers(1, 12))
def test_a_cut_changes_no_token(
    odd_tokenizers: list[ByteBPE | Characters | WhitespaceBPE], pieces: list[str], size: int
) -> None:
    text = "".join(pieces)
    for tokenizer in odd_tokenizers:
        assert ids_of_pieces(tokenizer, list(chunks(text, size))) == ids_of_whole(tokenizer, text)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_empty_lines_are_the_same_tokens_wherever_a_chunk_ends(size: int) -> None:
    tokenizer = ByteBPE.train("a\n\n\n\nb\n\n\n" * 300, 270)
    assert any(piece == b"\n\n" for piece in tokenizer.token_bytes())
    text = "abcd\n\n\nefgh\n\nijkl\n" * 20
    assert ids_of_pieces(tokenizer, list(chunks(text, size))) == ids_of_whole(tokenizer, text)


def test_tiny_shakespeare_is_the_same_tokens_in_chunks(
    shakespeare: str, bpe: ByteBPE, reference: WhitespaceBPE
) -> None:
    assert len(shakespeare) > 10 * CHUNK_CHARACTERS
    assert (
        ids_of_whole(bpe, shakespeare[: 4 * CHUNK_CHARACTERS])
        == bpe.encode(shakespeare[: 4 * CHUNK_CHARACTERS]).tolist()
    )
    assert ids_of_whole(reference, shakespeare) == reference.encode(shakespeare).tolist()


def test_odd_texts_longer_than_a_chunk_are_the_same_tokens(
    odd: list[str], odd_tokenizers: list[ByteBPE | Characters | WhitespaceBPE]
) -> None:
    text = "".join(odd[i * i * 7 % 101 % len(odd)] + " " * (i % 11 == 0) for i in range(60_000))
    assert len(text) > 2 * CHUNK_CHARACTERS
    for tokenizer in odd_tokenizers:
        assert len(list(tokenizer.encode_stream(text))) == 1
        assert ids_of_whole(tokenizer, text) == tokenizer.encode(text).tolist()


@pytest.mark.parametrize("letter", ["a", "\n", "é", "\x1c!"])
def test_merges_are_learned_from_no_word_that_has_no_end(letter: str) -> None:
    text = "to be\n" + letter * 5500 + " or not"
    cut = list(learnable_chunks(text))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 1000 + len("to be\n")
    assert list(learnable_chunks("or not to be\n" * 9)) == ["or not to be\n" * 9]
