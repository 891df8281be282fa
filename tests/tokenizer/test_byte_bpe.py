"""Byte-level BPE: the 256 bytes, a start token, and merges of what is frequent."""

import pytest
from tests.tokenizer.earlier import bpe_of_earlier_versions

from octavo.errors import OctavoError
from octavo.tokenizer.kinds import BYTE_OF, ByteBPE


def test_the_vocabulary_is_the_start_token_every_byte_and_merges(bpe: ByteBPE) -> None:
    assert bpe.vocab_size == 512
    assert bpe.bos_id == 0
    assert (bpe.kind, bpe.lossless) == ("bpe", True)
    table = bpe.token_bytes()
    assert table[0] == b""
    assert sorted(table[1:257]) == [bytes([b]) for b in range(256)]
    assert all(len(merged) >= 2 for merged in table[257:])
    assert len(set(table)) == 512


def test_frequent_pieces_are_one_token(bpe: ByteBPE) -> None:
    assert [bpe.token_text(i) for i in bpe.encode("What shall thou?")] == ["What", "Ġshall", "Ġthou", "?"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("नमस्ते दुनिया", ["नमस्ते", " दुनिया"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("e\u0301t\u00e9", ["e\u0301t\u00e9"]),
        ("in 1984½", ["in", " ", "1", "9", "8", "4", "½"]),
        ("ROMEO:\nO, I DON'T!\n\n", ["ROMEO", ":\n", "O", ",", " I", " DON", "'T", "!\n\n"]),
        ("a\r\nb  \n\n c", ["a", "\r\n", "b", "  \n\n", " c"]),
        ("(so\tit  is) ", ["(so", "\tit", " ", " is", ")", " "]),
        ("你好，世界", ["你好", "，世界"]),
    ],
)
def test_words_are_those_of_qwen_3_5(bpe: ByteBPE, text: str, words: list[str]) -> None:
    split = bpe.pipeline.pre_tokenizer.pre_tokenize_str(text)
    assert [text[begin:end] for _, (begin, end) in split] == words
    assert [bytes(BYTE_OF[letter] for letter in word).decode() for word, _ in split] == words


def test_words_of_a_script_with_combining_marks_become_tokens() -> None:
    text = "हिन्दी में लिखी हुई किताब की कहानी\n" * 50
    assert len(text) / len(ByteBPE.train(text, 400).encode(text)) > 4
    assert len(text) / len(bpe_of_earlier_versions(text, 400).encode(text)) < 2


def test_merges_are_of_the_most_frequent_neighbours() -> None:
    tokenizer = ByteBPE.train("ababab abab ab cd", 259)
    assert [piece for piece in tokenizer.token_bytes() if len(piece) > 1] == [b"ab", b"abab"]
    assert [tokenizer.token_text(i) for i in tokenizer.encode("ababab")] == ["abab", "ab"]


def test_a_small_text_gives_fewer_tokens_than_it_may() -> None:
    assert ByteBPE.train("ab", 1000).vocab_size == 258


def test_training_twice_gives_the_same_tokenizer(shakespeare: str, bpe: ByteBPE) -> None:
    assert ByteBPE.train(shakespeare, 512).fingerprint == bpe.fingerprint
    assert ByteBPE.train(shakespeare[:100_000], 512).fingerprint != bpe.fingerprint


@pytest.mark.parametrize("size", [8, 256])
def test_too_small_a_vocabulary_is_refused(size: int) -> None:
    with pytest.raises(
        OctavoError, match=rf"vocab_size={size} is too small for byte-level BPE, .* 257 tokens: use more"
    ):
        ByteBPE.train("to be", size)
    assert ByteBPE.train("to be", 257).vocab_size == 257


def test_where_a_token_begins_is_what_the_library_says_of_the_whole_text(shakespeare: str, bpe: ByteBPE) -> None:
    text = "naïve 🙂 " + shakespeare[:80_000]
    offsets = bpe.pipeline.encode(text, add_special_tokens=False).offsets
    for token in (0, 1, 2, 3, 4, 5, 20_000, 33_000, 35_000, len(offsets) - 1):
        assert bpe.characters_before(text, token) == offsets[token][0]
    assert bpe.characters_before(text, len(offsets)) == len(text)
    assert bpe.characters_before("", 0) == 0
