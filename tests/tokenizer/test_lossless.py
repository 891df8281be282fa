"""Byte-level BPE and characters give every text back, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.tokenizer.kinds import ByteBPE, Characters, WhitespaceBPE

ODD = st.sampled_from(
    ["<|endoftext|>", "<0x41>", "<0xff>", "\0", "\r\n", "\n\n", " ", "🙂", "e\u0301", "שלום", "\ue000", "\uffff", "Ġ"]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(ODD, st.text(max_size=4))).map("".join))
Lossless = ByteBPE | Characters


def check_round_trip(tokenizer: Lossless, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.bos_id == 0
    assert 0 not in ids
    table = tokenizer.token_bytes()
    assert b"".join(table[i] for i in ids) == text.encode("utf-8")


@settings(deadline=None, max_examples=150, derandomize=True)
@given(text=TEXTS)
def test_any_text_comes_back(bpe: ByteBPE, characters: Characters, text: str) -> None:
    check_round_trip(bpe, text)
    check_round_trip(characters, text)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(text=TEXTS)
def test_any_text_comes_back_though_the_vocabulary_is_odd(
    odd_tokenizers: list[ByteBPE | Characters | WhitespaceBPE], text: str
) -> None:
    for tokenizer in odd_tokenizers:
        if tokenizer.lossless:
            assert not isinstance(tokenizer, WhitespaceBPE)
            check_round_trip(tokenizer, text)


def test_every_odd_piece_comes_back(bpe: ByteBPE, characters: Characters, odd: list[str]) -> None:
    for piece in odd:
        check_round_trip(bpe, piece)
        check_round_trip(characters, piece)
    check_round_trip(bpe, "".join(odd))
    check_round_trip(characters, "".join(odd))


def test_a_start_token_in_the_text_is_text_even_if_the_training_text_is_full_of_it() -> None:
    text = "<|endoftext|>" * 50 + "<0x41> [PAD] " * 50
    check_round_trip(ByteBPE.train(text, 400), text)
    check_round_trip(Characters.train(text, 400), text)


def test_tiny_shakespeare_comes_back(shakespeare: str, bpe: ByteBPE, characters: Characters) -> None:
    check_round_trip(bpe, shakespeare)
    check_round_trip(characters, shakespeare[:200_000])


@pytest.mark.parametrize("text", ["a" * 1_000_000, " " * 200_000, "\n" * 200_000, "ab12é🙂" * 20_000])
def test_a_text_without_a_place_to_cut_comes_back(bpe: ByteBPE, characters: Characters, text: str) -> None:
    check_round_trip(bpe, text)
    check_round_trip(characters, text)


def test_nothing_is_no_tokens(bpe: ByteBPE, characters: Characters, reference: WhitespaceBPE) -> None:
    for tokenizer in (bpe, characters, reference):
        assert tokenizer.encode("").tolist() == []
        assert tokenizer.decode([]) == ""


def test_half_a_surrogate_pair_is_refused(bpe: ByteBPE, characters: Characters, reference: WhitespaceBPE) -> None:
    for tokenizer in (bpe, characters, reference):
        with pytest.raises(OctavoError, match="lone surrogate"):
            tokenizer.encode("a\ud800b")


def test_the_start_token_adds_nothing_to_a_text(bpe: ByteBPE, characters: Characters) -> None:
    for tokenizer in (bpe, characters):
        ids = [0, *tokenizer.encode("to be"), 0]
        assert tokenizer.decode(ids) == "to be"
        assert tokenizer.token_bytes()[0] == b""
        assert tokenizer.token_text(0) == "<|endoftext|>"


def test_bytes_that_are_no_utf8_are_shown_as_such(bpe: ByteBPE, characters: Characters) -> None:
    for tokenizer in (bpe, characters):
        assert tokenizer.decode(tokenizer.encode("🙂")[:1]) == "\ufffd"
