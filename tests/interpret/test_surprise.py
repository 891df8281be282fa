"""A text's surprise is its score, token by token."""

import math
from collections.abc import Callable

import pytest
import torch

from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.evaluate import evaluate
from octavo.evaluate.documents import scored_text
from octavo.interpret.surprise import measure_surprise
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer

CONTEXT = 16
MakeModel = Callable[..., Transformer]


@pytest.mark.parametrize("kind", ["bpe", "characters", "lossy", "unstarted"])
def test_the_totals_are_the_score(
    kind: str, play: str, make_model: MakeModel, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    model, text = make_model(tokenizer.vocab_size), play[:900] + "😀é"
    found = measure_surprise(model, tokenizer, text, context_length=CONTEXT)
    scored = scored_text(Corpus.from_text(text), tokenizer)
    score = evaluate(model, tokenizer, scored, context_length=CONTEXT)
    assert score.tokens > 5 * CONTEXT
    assert len(found.tokens) == score.tokens
    assert found.bits_per_character == pytest.approx(score.bits_per_character, rel=1e-6)
    assert found.nats_per_token == pytest.approx(score.nats_per_token, rel=1e-6)
    assert found.lossless_tokenizer == (kind != "lossy")
    assert sum(map(found.bits, found.alignments)) == pytest.approx(found.total_bits, rel=1e-9)
    spread = sum(found.bits_per_character_of(piece) * len(piece.text) for piece in found.alignments)
    assert spread == pytest.approx(found.total_bits, rel=1e-9)


@pytest.mark.parametrize("kind", ["bpe", "lossy", "unstarted"])
@pytest.mark.parametrize("characters", [1, 100])
def test_of_a_long_text_the_beginning_is_kept_and_all_of_it_counts(
    kind: str, characters: int, play: str, make_model: MakeModel, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    model, text = make_model(tokenizer.vocab_size), " \n" + play[:900] + "\n😀é"
    whole = measure_surprise(model, tokenizer, text, context_length=CONTEXT)
    found = measure_surprise(model, tokenizer, text, context_length=CONTEXT, characters=characters)
    assert 1 <= len(found.tokens) < 100
    assert found.tokens == whole.tokens[: len(found.tokens)]
    assert found.alignments == whole.alignments[: len(found.alignments)]
    assert found.omitted_characters == len(text) - sum(len(piece.text) for piece in found.alignments)
    assert whole.omitted_characters == 0
    assert (found.token_count, found.dropped_characters) == (whole.token_count, whole.dropped_characters)
    assert found.total_bits == pytest.approx(whole.total_bits, rel=1e-12)
    assert [(before, token.label, token.nats) for before, token in found.worst] == [
        (before, token.label, token.nats) for before, token in whole.worst
    ]
    assert found.worst == whole.worst


def test_each_token_has_what_the_model_says_there(bpe: Tokenizer, make_model: MakeModel) -> None:
    model, text = make_model(bpe.vocab_size), "ROMEO: I"
    assert bpe.bos_id is not None
    ids = bpe.encode(text).tolist()
    found = measure_surprise(model, bpe, text, context_length=CONTEXT, top_k=3)
    with torch.no_grad():
        odds = model(torch.tensor([[bpe.bos_id, *ids[:-1]]]))[0].softmax(-1)
    for place, (token, came) in enumerate(zip(found.tokens, ids, strict=True)):
        order = odds[place].argsort(descending=True).tolist()
        assert token.rank == 1 + order.index(came)
        assert token.probability == pytest.approx(odds[place][came].item(), rel=1e-4)
        assert token.bits == pytest.approx(-math.log2(odds[place][came].item()), abs=1e-4)
        assert [guess.probability for guess in token.predictions] == pytest.approx(
            odds[place][order[:3]].tolist(), rel=1e-4
        )
        likeliest = bpe.token_bytes()[order[0]]
        if likeliest.isascii() and likeliest:
            assert token.predictions[0].label == likeliest.decode()


def test_before_the_first_token_of_a_text_without_a_start_there_is_chance(
    unstarted: Tokenizer, make_model: MakeModel
) -> None:
    first, second = measure_surprise(make_model(unstarted.vocab_size), unstarted, "xy", context_length=8).tokens
    assert first.nats == pytest.approx(math.log(unstarted.vocab_size))
    assert (first.rank, first.predictions) == (None, ())
    assert second.rank is not None
    assert len(second.predictions) == 5


def test_a_text_without_tokens_is_refused(lossy: Tokenizer, make_model: MakeModel) -> None:
    with pytest.raises(OctavoError, match="no token for any character"):
        measure_surprise(make_model(lossy.vocab_size), lossy, " \n日", context_length=8)
