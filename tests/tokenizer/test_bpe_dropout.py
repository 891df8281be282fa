"""BPE-dropout cuts the same text differently in every epoch, and without a rate as the tokenizer does."""

import numpy as np
import pytest

from octavo.tokenizer import BPEDropout
from octavo.tokenizer.byte_bpe import ByteBPE


@pytest.fixture(scope="module")
def documents(shakespeare: str) -> list[str]:
    return [shakespeare[:20_000], "aaaa aaaaa\n\n\n  é🙂 <|endoftext|>", shakespeare[30_000:30_500]]


def test_a_rate_of_nothing_is_the_tokenizer_itself(bpe: ByteBPE, documents: list[str]) -> None:
    expected = [i for document in documents for i in (0, *bpe.encode(document).tolist())]
    assert BPEDropout(bpe, documents, 0.0, 0).epoch(3).tolist() == expected


def test_a_run_of_equal_letters_is_merged_from_its_start() -> None:
    tokenizer = ByteBPE.train("aaaa aaaa aaaa", 260)
    texts = ["a" * n for n in range(1, 12)]
    expected = [i for text in texts for i in (0, *tokenizer.encode(text).tolist())]
    assert BPEDropout(tokenizer, texts, 0.0, 0).epoch(0).tolist() == expected


def test_every_epoch_is_the_same_text_in_other_and_more_tokens(bpe: ByteBPE, documents: list[str]) -> None:
    dropout = BPEDropout(bpe, documents, 0.1, 7)
    plain = sum(len(bpe.encode(document)) for document in documents) + 3
    epochs = [dropout.epoch(epoch) for epoch in range(3)]
    for ids in epochs:
        assert bpe.decode(ids) == "".join(documents)
        assert np.count_nonzero(ids == 0) == 3
        assert plain < len(ids) < 1.5 * plain
    assert len({tuple(ids.tolist()) for ids in epochs}) == 3


def test_an_epoch_is_a_function_of_the_seed(bpe: ByteBPE, documents: list[str]) -> None:
    one, same, other = (BPEDropout(bpe, documents, 0.1, seed) for seed in (7, 7, 8))
    one.epoch(0)
    assert one.epoch(5).tolist() == same.epoch(5).tolist()
    assert one.epoch(5).tolist() != other.epoch(5).tolist()
