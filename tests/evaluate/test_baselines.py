"""What a model has to beat: the same characters, the same unit, figures that are known."""

import math

import numpy as np
import pytest

from octavo.config import TokenizerConfig, load_preset
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.data.token_files import documents
from octavo.evaluate.baselines import TOKEN_KINDS, Baseline, _of_tokens, fit_baselines, unigram_probabilities
from octavo.evaluate.documents import Documents, documents_of
from octavo.tokenizer import Tokenizer, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(play: str) -> Tokenizer:
    return train_tokenizer(TokenizerConfig(vocab_size=400), play)


def as_documents(tokenizer: Tokenizer, *texts: str) -> Documents:
    return Documents([tokenizer.encode(text) for text in texts], texts)


def scored(tokenizer: Tokenizer, learned: Documents, *texts: str) -> dict[str, Baseline]:
    found = fit_baselines(
        learned,
        as_documents(tokenizer, *texts),
        vocab_size=tokenizer.vocab_size,
        bos_id=tokenizer.bos_id,
    )
    nats = [baseline.nats_per_character for baseline in found]
    assert nats == sorted(nats, reverse=True), "the worst comes first"
    return {baseline.kind if baseline.kind != "compressor" else baseline.name: baseline for baseline in found}


@pytest.fixture(scope="module")
def of_the_play(tokenizer: Tokenizer, play: str) -> dict[str, Baseline]:
    return scored(tokenizer, as_documents(tokenizer, play[:36_000]), play[36_000:])


def test_each_is_there_in_every_unit(of_the_play: dict[str, Baseline], tokenizer: Tokenizer, play: str) -> None:
    assert set(of_the_play) == {*TOKEN_KINDS, "kneser-ney", "brotli 11", "xz -9e", "zstd 22", "PPMd order 6"}
    tokens = len(tokenizer.encode(play[36_000:]))
    for baseline in of_the_play.values():
        assert baseline.bits_per_character == pytest.approx(baseline.nats_per_character / math.log(2))
        assert baseline.note == ""
        if baseline.kind in TOKEN_KINDS:
            assert baseline.nats_per_token is not None
            assert baseline.nats_per_token * tokens == pytest.approx(baseline.nats_per_character * 4_000)
        else:
            assert baseline.nats_per_token is None


def test_they_stand_as_they_must(of_the_play: dict[str, Baseline], tokenizer: Tokenizer) -> None:
    nats = {name: baseline.nats_per_character for name, baseline in of_the_play.items()}
    assert nats["uniform"] > nats["unigram"] > nats["bigram"] > nats["kneser-ney"] > nats["PPMd order 6"] > 1.5
    assert all(2.5 > nats[name] > nats["PPMd order 6"] for name in ("brotli 11", "xz -9e", "zstd 22"))
    assert of_the_play["uniform"].nats_per_token == pytest.approx(math.log(tokenizer.vocab_size))
    assert of_the_play["kneser-ney"].name.startswith("Kneser-Ney order ")


def test_the_unigram_of_the_reference_experiment(shakespeare: str) -> None:
    """5.5305 nats a token, to which its model fell back; a table of pairs would have had much less."""
    config = load_preset("reference")
    tokenizer, parts = prepare(Corpus.from_text(shakespeare), config.data, config.tokenizer)
    train, validation = (documents(parts[name][1], tokenizer.bos_id) for name in ("train", "validation"))
    costs = {cost.kind: cost.nats / 89_626 for cost in _of_tokens(train, validation, 500, tokenizer.bos_id)}
    assert costs["uniform"] == pytest.approx(6.2146, abs=5e-5)
    assert costs["unigram"] == pytest.approx(5.5305, abs=5e-5)
    assert costs["bigram"] == pytest.approx(4.433, abs=5e-4)


def test_no_token_is_impossible_but_the_start_token() -> None:
    assert unigram_probabilities(np.array([3, 0, 9, 0]), None).tolist() == [4 / 16, 1 / 16, 10 / 16, 1 / 16]
    assert unigram_probabilities(np.array([3, 0, 7, 0]), 2).tolist() == [4 / 6, 1 / 6, 0, 1 / 6]


def test_a_document_begins_anew_for_n_grams(tokenizer: Tokenizer) -> None:
    """Every document begins with a and ends with z."""
    learned = as_documents(tokenizer, *["abcxyz"] * 300)
    apart = scored(tokenizer, learned, *["abcxyz"] * 5)
    together = scored(tokenizer, learned, "abcxyz" * 5)
    for kind in ("bigram", "kneser-ney"):
        assert apart[kind].nats_per_character < 0.1
        assert together[kind].nats_per_character > 3 * apart[kind].nats_per_character


def test_a_short_text_is_measured_roughly_and_that_is_said(tokenizer: Tokenizer, play: str) -> None:
    found = scored(tokenizer, as_documents(tokenizer, play), play[5:8])
    for baseline in found.values():
        assert baseline.nats_per_character > 0
        assert ("a rough figure" in baseline.note) == (baseline.kind == "compressor")


def test_so_is_one_that_was_there_before(tokenizer: Tokenizer, play: str) -> None:
    found = scored(tokenizer, as_documents(tokenizer, play), play[5_000:9_000])
    assert 0 < found["xz -9e"].nats_per_character < 0.05
    assert "a rough figure" in found["xz -9e"].note


def test_odd_texts(tokenizer: Tokenizer) -> None:
    for learned, text in (("", "é😀"), ("a", "a"), ("aaaaaaaaaa", "b" * 3_000), ("日本語", "\x00\r\n")):
        for baseline in scored(tokenizer, as_documents(tokenizer, learned), text).values():
            assert 0 < baseline.nats_per_character < 60


def test_what_was_learned_from_a_part_alone_is_said(tokenizer: Tokenizer, play: str) -> None:
    learned = documents_of(Corpus.from_text(play[:3_000]), tokenizer)
    part = Documents(learned.tokens, learned.texts, complete=False)
    found = scored(tokenizer, part, play[5_000:9_000])
    assert found["uniform"].note == ""
    assert found["xz -9e"].note == "learned from the last 3,000 characters of the training split"
    tokens = len(learned.tokens[0])
    assert found["bigram"].note == f"learned from the last {tokens:,} tokens of the training split"


def test_the_one_who_waits_sees_how_far_it_is(tokenizer: Tokenizer, play: str) -> None:
    shares: list[float] = []
    text = as_documents(tokenizer, play)
    fit_baselines(text, text, vocab_size=400, bos_id=tokenizer.bos_id, watch=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] > 0.5
    assert shares[-1] <= 1.0
