"""A score in nats and bits per character and byte, over the whole text, with its standard error."""

import hashlib
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.config import ModelConfig, TokenizerConfig
from octavo.errors import OctavoError
from octavo.evaluate import ScoredText, evaluate, perplexity
from octavo.evaluate.evaluation import disjoint_chunks
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer, train_tokenizer

TEXT = "To be, or not to be: that is the question 😀 – häufig.\r\n\n" * 9
SMALL = ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=24, dropout=0.0)
BYTES = train_tokenizer(TokenizerConfig(vocab_size=257), "x")  # a token is a byte: characters span several
PIECES = train_tokenizer(TokenizerConfig(vocab_size=300), TEXT)
LETTERS = train_tokenizer(TokenizerConfig(kind="characters", vocab_size=259), "ab")
WORDS = train_tokenizer(TokenizerConfig(kind="whitespace-bpe", vocab_size=60), TEXT)


def scored(tokenizer: Tokenizer, *texts: str) -> ScoredText:
    text = "".join(texts)
    ids = [tokenizer.encode(t) for t in texts]
    return ScoredText("x", hashlib.sha256(text.encode()).hexdigest(), ids, len(text), len(text.encode()), own=False)


@pytest.mark.parametrize("tokenizer", [BYTES, PIECES, LETTERS], ids=["bytes", "pieces", "characters"])
@pytest.mark.parametrize("protocol", ["sliding", "disjoint"])
def test_a_uniform_model_and_every_unit(tokenizer: Tokenizer, protocol: str) -> None:
    model = Transformer(SMALL, tokenizer.vocab_size)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    score = evaluate(
        model,
        tokenizer,
        scored(tokenizer, TEXT, "é", TEXT[:77]),
        context_length=32,
        protocol="sliding" if protocol == "sliding" else "disjoint",
        window_characters=10,
    )
    chance = math.log(tokenizer.vocab_size)
    characters, size = len(TEXT) + 1 + 77, len((TEXT + "é" + TEXT[:77]).encode())
    assert (score.characters, score.bytes, score.protocol) == (characters, size, protocol)
    if protocol == "sliding":
        assert score.tokens == sum(len(tokenizer.encode(t)) for t in (TEXT, "é", TEXT[:77]))
    assert score.nats_per_token == pytest.approx(chance, rel=1e-6)
    assert score.perplexity_per_token == pytest.approx(tokenizer.vocab_size, rel=1e-5)
    assert score.nats_per_character == pytest.approx(chance * score.tokens / characters, rel=1e-6)
    assert score.bits_per_character == pytest.approx(score.nats_per_character / math.log(2), rel=1e-9)
    assert score.nats_per_byte == pytest.approx(chance * score.tokens / size, rel=1e-6)
    assert score.bits_per_byte == pytest.approx(score.nats_per_byte / math.log(2), rel=1e-9)
    assert score.lossless_tokenizer


@pytest.mark.parametrize("tokenizer", [BYTES, PIECES, LETTERS], ids=["bytes", "pieces", "characters"])
@given(text=st.text(min_size=1, max_size=60))
@settings(max_examples=25, deadline=None)
def test_the_characters_scored_are_those_of_the_text(tokenizer: Tokenizer, text: str) -> None:
    model = Transformer(SMALL, tokenizer.vocab_size)  # the count is checked inside, from the tokens
    score = evaluate(model, tokenizer, scored(tokenizer, text), context_length=16)
    assert (score.characters, score.bytes) == (len(text), len(text.encode()))
    assert score.tokens == len(tokenizer.encode(text))


def test_a_text_that_does_not_fit_its_tokens_is_a_fault_of_the_program() -> None:
    wrong = ScoredText("x", "", [PIECES.encode("abcd")], 5, 5, own=False)
    with pytest.raises(OctavoError, match="stand for 4 characters, but the text has 5"):
        evaluate(Transformer(SMALL, PIECES.vocab_size), PIECES, wrong, context_length=16)


@pytest.mark.parametrize("characters", [1, 7, 64, 10_000])
def test_disjoint_pieces_cover_the_text_and_each_begins_from_nothing(characters: int) -> None:
    texts = [TEXT[:200], "é", TEXT[:64]]
    documents = [PIECES.encode(t) for t in texts]
    pieces = disjoint_chunks(PIECES, documents, characters)
    assert "".join(PIECES.decode(ids) for ids in pieces) == "".join(texts)
    assert [len(PIECES.decode(ids)) for ids in pieces] == [
        len(t[at : at + characters]) for t in texts for at in range(0, len(t), characters)
    ]
    model = Transformer(SMALL, PIECES.vocab_size, seed=2)
    score = evaluate(
        model,
        PIECES,
        scored(PIECES, *texts),
        context_length=256,
        protocol="disjoint",
        window_characters=characters,
    )
    assert (score.protocol, score.window_characters) == ("disjoint", characters)
    slow = 0.0
    with torch.no_grad():
        for t in texts:
            for at in range(0, len(t), characters):
                ids = PIECES.encode(t[at : at + characters]).tolist()
                assert len(ids) <= 256
                logits = model(torch.tensor([[PIECES.bos_id, *ids[:-1]]]))[0]
                slow -= float(logits.log_softmax(-1)[range(len(ids)), ids].sum())
    assert score.nats_per_token * score.tokens == pytest.approx(slow, rel=1e-5)


def unigram(probabilities: dict[int, float]) -> Transformer:
    """A model that predicts the same distribution everywhere."""
    config = ModelConfig(n_layers=1, d_model=4, n_heads=1, d_ff=4, bias=True, tied_embeddings=False, position="none")
    model = Transformer(config, LETTERS.vocab_size)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        model.unembedding.bias.fill_(-60.0)
        for token, p in probabilities.items():
            model.unembedding.bias[token] = math.log(p)
    return model


def draws(seed: int, count: int, share: float) -> npt.NDArray[np.bool_]:
    drawn: npt.NDArray[np.bool_] = np.random.Generator(np.random.PCG64(seed)).random(count) < share
    return drawn


class TestStandardError:
    def test_of_independent_characters_is_the_known_one(self) -> None:
        p, count = 0.9, 400_000
        text = "".join(np.where(draws(3, count, p), "a", "b"))
        a, b = LETTERS.encode("ab").tolist()
        model = unigram({a: p, b: 1 - p})
        score = evaluate(model, LETTERS, scored(LETTERS, text), context_length=512, stride=512)
        deviation = math.sqrt(p * (1 - p)) * abs(math.log(p / (1 - p)))  # of one character's nats
        known = deviation / math.sqrt(count)
        error = score.standard_error_nats_per_character
        assert error == pytest.approx(known, rel=0.2)  # 196 blocks tell it to 5 %
        assert score.standard_error_bits_per_character == pytest.approx(error / math.log(2) if error else None)
        entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
        assert abs(score.nats_per_character - entropy) < 4 * known

    def test_of_characters_that_come_in_stretches_is_larger(self) -> None:
        """One draw for each 512 characters: a twentieth of a percent of the text is what the figure rests on."""
        p, draw = 0.5, draws(4, 400, 0.5)
        text = "".join(("a" if d else "b") * 512 for d in draw)
        a, b = LETTERS.encode("ab").tolist()
        score = evaluate(unigram({a: 0.9, b: 0.1}), LETTERS, scored(LETTERS, text), context_length=512, stride=512)
        known = math.sqrt(p * (1 - p)) * math.log(9) / math.sqrt(len(draw))
        assert score.standard_error_nats_per_character == pytest.approx(known, rel=0.3)

    def test_of_a_short_text_is_not_given(self) -> None:
        model = Transformer(SMALL, PIECES.vocab_size)
        score = evaluate(model, PIECES, scored(PIECES, TEXT[:100]), context_length=16)
        assert score.standard_error_nats_per_character is None
        assert score.standard_error_bits_per_character is None


def test_a_tokenizer_that_loses_text_says_so() -> None:
    model = Transformer(SMALL, WORDS.vocab_size)
    score = evaluate(model, WORDS, scored(WORDS, TEXT), context_length=16)
    assert not score.lossless_tokenizer
    assert score.characters == len(TEXT)
    with pytest.raises(OctavoError, match="use the sliding protocol"):
        evaluate(model, WORDS, scored(WORDS, TEXT), context_length=16, protocol="disjoint")


@pytest.mark.parametrize("stride", [-1, 17, 1000])
def test_a_stride_out_of_range_is_refused(stride: int) -> None:
    with pytest.raises(OctavoError, match=f"stride {stride} is out of range: 1 to the context of 16 tokens"):
        evaluate(
            Transformer(SMALL, PIECES.vocab_size), PIECES, scored(PIECES, TEXT), context_length=16, stride=stride
        )


def test_what_cannot_be_scored_is_refused() -> None:
    model = Transformer(SMALL, PIECES.vocab_size)
    with pytest.raises(OctavoError, match="nothing to score"):
        evaluate(model, PIECES, scored(PIECES), context_length=16)
    with pytest.raises(OctavoError, match="window of 0 characters is out of range"):
        evaluate(model, PIECES, scored(PIECES, TEXT), context_length=16, protocol="disjoint", window_characters=0)


def test_the_perplexity_of_a_loss_that_ran_away_is_a_number() -> None:
    assert perplexity(math.log(7)) == pytest.approx(7)
    assert math.isfinite(perplexity(1e6))


def test_the_default_stride_is_half_the_context() -> None:
    model = Transformer(SMALL, PIECES.vocab_size)
    assert evaluate(model, PIECES, scored(PIECES, TEXT), context_length=17).stride == 8
    assert evaluate(model, PIECES, scored(PIECES, TEXT), context_length=16).stride == 8


def test_a_score_is_plain_values(tmp_path: Path) -> None:
    score = evaluate(Transformer(SMALL, PIECES.vocab_size), PIECES, scored(PIECES, TEXT), context_length=16)
    plain = asdict(score)
    assert {"nats_per_token", "nats_per_character", "bits_per_character", "bits_per_byte"} <= set(plain)
    assert {"characters", "tokens", "stride", "protocol"} <= set(plain)
    assert all(value is None or isinstance(value, str | int | float) for value in plain.values())
