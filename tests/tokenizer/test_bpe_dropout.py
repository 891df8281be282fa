"""BPE-dropout cuts the same text differently in every epoch, and without a rate as the tokenizer does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from octavo.tokenizer import BPEDropout, bpe_dropout
from octavo.tokenizer.kinds import ByteBPE


@pytest.fixture(scope="module")
def documents(shakespeare: str) -> list[str]:
    return [shakespeare[:20_000], "aaaa aaaaa\n\n\n  é🙂 <|endoftext|>", shakespeare[30_000:30_500]]


def encoded(tokenizer: ByteBPE, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    return [tokenizer.encode(text) for text in texts]


def test_a_rate_of_nothing_is_the_tokenizer_itself(bpe: ByteBPE, documents: list[str]) -> None:
    expected = [i for document in documents for i in (0, *bpe.encode(document).tolist())]
    assert BPEDropout(bpe, encoded(bpe, documents), 0.0, 0).epoch(3).tolist() == expected


def test_a_run_of_equal_letters_is_merged_from_its_start() -> None:
    tokenizer = ByteBPE.train("aaaa aaaa aaaa", 260)
    texts = ["a" * n for n in range(1, 12)]
    expected = [i for text in texts for i in (0, *tokenizer.encode(text).tolist())]
    assert BPEDropout(tokenizer, encoded(tokenizer, texts), 0.0, 0).epoch(0).tolist() == expected


def test_a_tokenizer_without_merges_has_nothing_to_pass_over() -> None:
    tokenizer = ByteBPE.train("abc", 257)
    assert BPEDropout(tokenizer, [tokenizer.encode("abc cab")], 0.5, 0).epoch(0).tolist() == [
        0,
        *tokenizer.encode("abc cab").tolist(),
    ]


def test_every_epoch_is_the_same_text_in_other_and_more_tokens(bpe: ByteBPE, documents: list[str]) -> None:
    dropout = BPEDropout(bpe, encoded(bpe, documents), 0.1, 7)
    plain = sum(len(bpe.encode(document)) for document in documents) + 3
    epochs = [dropout.epoch(epoch) for epoch in range(3)]
    for ids in epochs:
        assert bpe.decode(ids) == "".join(documents)
        assert np.count_nonzero(ids == 0) == 3
        assert plain < len(ids) < 1.5 * plain
    assert len({tuple(ids.tolist()) for ids in epochs}) == 3


def test_an_epoch_is_a_function_of_the_seed(bpe: ByteBPE, documents: list[str]) -> None:
    one, same, other = (BPEDropout(bpe, encoded(bpe, documents), 0.1, seed) for seed in (7, 7, 8))
    one.epoch(0)
    assert one.epoch(5).tolist() == same.epoch(5).tolist()
    assert one.epoch(5).tolist() != other.epoch(5).tolist()


@pytest.fixture(scope="module")
def chinese() -> str:
    random = np.random.default_rng(0)
    letters = [chr(0x4E00 + i) for i in range(300)]
    runs = ("".join(random.choice(letters, random.integers(4, 14))) for _ in range(2_000))
    return "\u3002\n".join(runs) + " ACGT" * 500


class TestBounds:
    """A text without words that come twice is cut token by token."""

    @pytest.mark.parametrize("most", [0, 2_000, 20_000])
    def test_it_is_the_same_text(self, chinese: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("octavo.tokenizer.bpe_dropout._MAX_LETTERS", most)
        tokenizer = ByteBPE.train(chinese, 600)
        ids = encoded(tokenizer, [chinese, chinese[5_000:6_000]])
        plain = [i for document in ids for i in (0, *document.tolist())]
        assert BPEDropout(tokenizer, ids, 0.0, 0).epoch(0).tolist() == plain
        first, second = (BPEDropout(tokenizer, ids, 0.2, 0).epoch(epoch) for epoch in (0, 1))
        assert tokenizer.decode(first) == tokenizer.decode(second) == chinese + chinese[5_000:6_000]
        assert first.tolist() != second.tolist()
        assert len(first) > 1.1 * len(plain)

    def test_the_letters_that_are_merged_do_not_grow_with_the_text(
        self, chinese: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        merged: list[int] = []
        cut = bpe_dropout._Merges.cut

        def counted(merges: Any, words: Sequence[str], *rest: Any) -> Any:
            merged.append(sum(map(len, words)))
            return cut(merges, words, *rest)

        monkeypatch.setattr("octavo.tokenizer.bpe_dropout._MAX_LETTERS", 5_000)
        monkeypatch.setattr("octavo.tokenizer.bpe_dropout._GROUP_LETTERS", 10_000)
        monkeypatch.setattr(bpe_dropout._Merges, "cut", counted)
        tokenizer = ByteBPE.train(chinese, 600)
        vocabulary = sum(len(token) for token in tokenizer.token_bytes())
        shares: list[float] = []
        BPEDropout(tokenizer, encoded(tokenizer, [chinese]), 0.1, 0, shares.append)
        assert 8 * 4_000 < sum(merged) <= 8 * (5_000 + vocabulary)
        assert max(merged) < 10_000 + 8 * 100, "a group at a time"
        assert shares == sorted(shares)
        assert len(set(shares)) > 100

    def test_a_word_longer_than_any_is_cut_token_by_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("octavo.tokenizer.bpe_dropout._MAX_LETTERS", 4_000)
        text = "ACGT" * 1_000 + "GATTACA" * 300
        tokenizer = ByteBPE.train(text, 280)
        ids = encoded(tokenizer, [text])
        assert BPEDropout(tokenizer, ids, 0.0, 0).epoch(0)[1:].tolist() == ids[0].tolist()
        assert tokenizer.decode(BPEDropout(tokenizer, ids, 0.3, 0).epoch(0)) == text

    def test_it_can_be_stopped_at_any_time(self, bpe: ByteBPE, documents: list[str]) -> None:
        heard = 0

        def stop(share: float) -> None:
            nonlocal heard
            heard += 1
            if heard == 50:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            BPEDropout(bpe, encoded(bpe, documents), 0.1, 0, stop)


def test_an_epoch_does_not_depend_on_how_it_is_laid_out(
    bpe: ByteBPE, documents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropout = BPEDropout(bpe, encoded(bpe, documents), 0.1, 0)
    at_once = dropout.epoch(0).tolist()
    monkeypatch.setattr("octavo.tokenizer.bpe_dropout._BLOCK_WORDS", 101)
    assert dropout.epoch(0).tolist() == at_once
