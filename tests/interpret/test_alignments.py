"""The pieces of a text are the text, and each is made of whole characters and whole tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.interpret.tokens import align
from octavo.tokenizer import Tokenizer

ODD = st.sampled_from(["😀", "日本", "é", "e\u0301", "\r\n", "  ", "the ", "ROMEO:", "\x1b[31m", "\x00", "\u202e"])
TEXTS = st.lists(st.one_of(ODD, st.text(max_size=3))).map("".join)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(text=TEXTS)
@pytest.mark.parametrize("kind", ["bpe", "characters"])
def test_lossless_pieces_are_the_text_and_hold_every_token(
    kind: str, text: str, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    ids = tokenizer.encode(text).tolist()
    pieces = align(tokenizer, text, ids)
    assert "".join(piece.text for piece in pieces) == text
    assert [i for piece in pieces for i in range(piece.begin, piece.end)] == list(range(len(ids)))
    assert all(tokenizer.decode(ids[piece.begin : piece.end]) == piece.text for piece in pieces)
    for piece in pieces:  # and no smaller run would do
        whole = [tokenizer.decode(ids[piece.begin : end]) for end in range(piece.begin + 1, piece.end)]
        assert all(part.endswith(("\ufffd", "\r")) for part in whole)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(text=TEXTS)
def test_pieces_of_a_lossy_tokenizer_show_what_it_drops(lossy: Tokenizer, text: str) -> None:
    ids = lossy.encode(text).tolist()
    pieces = align(lossy, text, ids)
    assert "".join(piece.text for piece in pieces) == text
    assert [i for piece in pieces for i in range(piece.begin, piece.end)] == list(range(len(ids)))
    kept = "".join(map(lossy.token_text, ids))
    assert not set("".join(piece.text for piece in pieces if piece.dropped)) & set(kept)


def test_a_character_of_several_tokens_is_one_piece(bpe: Tokenizer) -> None:
    ids = bpe.encode("a😀b").tolist()
    assert [(p.text, p.end - p.begin) for p in align(bpe, "a😀b", ids)] == [("a", 1), ("😀", 4), ("b", 1)]


def test_a_line_end_of_two_tokens_is_one_piece(characters: Tokenizer) -> None:
    text = "a\r\n\r\n\rb\n\r"
    found = [p.text for p in align(characters, text, characters.encode(text).tolist())]
    assert found == ["a", "\r\n", "\r\n", "\r", "b", "\n", "\r"]


def test_what_was_dropped_is_a_piece_of_no_tokens(lossy: Tokenizer) -> None:
    ids = lossy.encode(" be, 日be\n").tolist()
    pieces = [(p.text, p.end - p.begin) for p in align(lossy, " be, 日be\n", ids)]
    assert pieces == [(" ", 0), ("be", 1), (",", 1), (" 日", 0), ("be", 1), ("\n", 0)]
