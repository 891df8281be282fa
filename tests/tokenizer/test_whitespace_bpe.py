"""The reference experiment's tokenizer meets the facts of its report."""

import pytest

from octavo.errors import OctavoError
from octavo.tokenizer.kinds import SPECIAL_TOKENS, WhitespaceBPE


def test_the_facts_of_the_report(shakespeare: str, reference: WhitespaceBPE) -> None:
    assert reference.vocab_size == 500
    assert len(reference.encode(shakespeare)) == 448_129
    ids = reference.encode("Hello Shakespeare!")
    assert ids.tolist() == [314, 80, 55, 33, 89, 51, 86, 154, 158, 4]
    assert reference.decode(ids) == "He ll o S ha k es pe are !"


def test_four_special_tokens_come_first_and_no_text_gives_them(reference: WhitespaceBPE) -> None:
    assert [reference.token_text(i) for i in range(4)] == SPECIAL_TOKENS == ["[PAD]", "[UNK]", "[BOS]", "[EOS]"]
    assert reference.encode("PAD [PAD] [UNK] [BOS] [EOS]").min() > 3
    assert reference.bos_id is None
    assert (reference.kind, reference.lossless) == ("whitespace-bpe", False)


def test_white_space_and_unknown_characters_are_lost(reference: WhitespaceBPE) -> None:
    assert reference.encode("  be \n\n\tbe\u3000").tolist() == reference.encode("be be").tolist()
    assert reference.encode("é🙂").tolist() == []
    assert reference.decode(reference.encode("éb🙂e")) == "b e"


def test_each_piece_adds_itself_after_a_space(reference: WhitespaceBPE) -> None:
    ids = reference.encode("Hello!")
    assert b"".join(reference.token_bytes()[i] for i in ids) == b" He ll o !"


def test_training_twice_gives_the_same_tokenizer(shakespeare: str) -> None:
    text = shakespeare[:200_000]
    assert WhitespaceBPE.train(text, 300).fingerprint == WhitespaceBPE.train(text, 300).fingerprint


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(OctavoError, match=r"vocab_size=9 is too small .* 10 tokens"):
        WhitespaceBPE.train("abcdef", 9)
    assert WhitespaceBPE.train("abcdef", 10).vocab_size == 10


def test_where_a_token_begins_skips_white_space(shakespeare: str, reference: WhitespaceBPE) -> None:
    assert [reference.characters_before(" be  be\n", token) for token in range(4)] == [1, 5, 8, 8]
    text = shakespeare[:80_000]
    offsets = reference.pipeline.encode(text, add_special_tokens=False).offsets
    for token in (0, 25_000, 26_000, 28_000, len(offsets) - 1):
        assert reference.characters_before(text, token) == offsets[token][0]
