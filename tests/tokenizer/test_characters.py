"""One token a character, and bytes for characters that are not in the vocabulary."""

import pytest

from octavo.errors import OctavoError
from octavo.tokenizer.kinds import Characters, Coverage


def test_the_vocabulary_is_the_start_token_every_byte_and_the_characters() -> None:
    tokenizer = Characters.train("banana🙂", 1000)
    assert tokenizer.vocab_size == 257 + 4
    assert [tokenizer.token_text(i) for i in range(257, 261)] == ["a", "b", "n", "🙂"]
    assert tokenizer.token_bytes()[:2] == [b"", b"\0"]
    assert tokenizer.token_bytes()[256:] == [b"\xff", b"a", b"b", b"n", "🙂".encode()]
    assert tokenizer.encode("nab🙂").tolist() == [259, 257, 258, 260]
    assert (tokenizer.kind, tokenizer.lossless) == ("characters", True)


def test_an_unknown_character_is_its_bytes() -> None:
    tokenizer = Characters.train("abc", 300)
    assert tokenizer.encode("aéb").tolist() == [257, 1 + 0xC3, 1 + 0xA9, 258]
    assert tokenizer.decode(tokenizer.encode("aéb")) == "aéb"


def test_a_full_vocabulary_keeps_the_most_frequent_characters() -> None:
    tokenizer = Characters.train("aaa" + "bb" + "zz" + "c", 257 + 2)
    assert [tokenizer.token_text(i) for i in (257, 258)] == ["a", "b"]  # b before z, which is as frequent
    assert tokenizer.vocab_size == 259


def test_tiny_shakespeare_has_sixty_five(shakespeare: str, characters: Characters) -> None:
    assert characters.vocab_size == 257 + 65
    ids = characters.encode(shakespeare)
    assert len(ids) == len(shakespeare)
    assert ids.min() >= 257


def test_without_a_size_every_character_has_its_token_up_to_a_bound() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    tokenizer = Characters.train(text, 0)
    assert tokenizer.vocab_size == 257 + 3000
    assert len(tokenizer.encode(text)) == 3000
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 9000)))
    assert Characters.train(many, 0).vocab_size == 8192


def test_it_says_how_much_of_its_text_it_covers() -> None:
    tokenizer = Characters.train("aaaabbbccd", 257 + 2)
    assert tokenizer.coverage == Coverage(distinct=4, known=2, share_left_out=0.3)
    said = tokenizer.coverage.words()
    assert all(figure in said for figure in ("2 of 4 ", "30 %", "vocab_size=261"))
    assert Characters.train("aaaabbbccd", 0).coverage == Coverage(4, 4, 0.0)


def test_training_twice_gives_the_same_tokenizer() -> None:
    assert Characters.train("to be", 300).fingerprint == Characters.train("eb ot", 300).fingerprint
    assert Characters.train("to be", 300).fingerprint != Characters.train("to me", 300).fingerprint


@pytest.mark.parametrize("size", [8, 257])
def test_too_small_a_vocabulary_is_refused(size: int) -> None:
    with pytest.raises(OctavoError, match=f"vocab_size={size} has no room for characters: .* so use more"):
        Characters.train("to be", size)
    assert Characters.train("to be", 258).vocab_size == 258


def test_where_a_token_begins_counts_characters() -> None:
    tokenizer = Characters.train("abc", 300)
    assert [tokenizer.characters_before("aéb", token) for token in range(5)] == [0, 1, 1, 2, 3]
