"""Preparation tokenizes each split, and trains the tokenizer on the training split alone."""

import pytest

from octavo.config import DataConfig, TokenizerConfig, load_preset
from octavo.corpus import Corpus, Document
from octavo.data.prepare import TokenizedSplits, prepare
from octavo.errors import OctavoError
from octavo.tokenizer import Tokenizer

HELD_OUT = "zyzzyva " * 60
CORPUS = Corpus(
    "notes", (Document("a", "the cat sat on the mat. " * 40), Document("b", "so it did. " * 40 + HELD_OUT))
)
BPE = TokenizerConfig(vocab_size=300)


@pytest.fixture(scope="module")
def reference(shakespeare_corpus: Corpus) -> tuple[Tokenizer, TokenizedSplits]:
    config = load_preset("reference")
    return prepare(shakespeare_corpus, config.data, config.tokenizer)


def tokens_of(tokenizer: Tokenizer) -> set[bytes]:
    return set(tokenizer.token_bytes())


def test_the_tokenizer_is_trained_on_the_training_split_alone() -> None:
    fraction = len(HELD_OUT) / CORPUS.characters
    tokenizer, splits = prepare(CORPUS, DataConfig(validation=round(fraction + 0.005, 3)), BPE)
    assert splits["validation"][0].text.endswith(HELD_OUT)
    assert "zy" not in splits["train"][0].text
    assert {b" cat", b" the"} <= tokens_of(tokenizer)
    assert not any(b"zy" in token for token in tokens_of(tokenizer))


def test_the_tokenizer_can_be_trained_on_the_full_text() -> None:
    data = DataConfig(validation=0.3)
    tokenizer, _ = prepare(CORPUS, data, TokenizerConfig(vocab_size=300, trained_on="all"))
    assert any(b"zy" in token for token in tokens_of(tokenizer))


def test_every_document_of_a_split_begins_with_the_bos_token() -> None:
    tokenizer, splits = prepare(CORPUS, DataConfig(validation=0.2, test=0.2), BPE)
    assert list(splits) == ["train", "validation", "test"]
    for part, ids in splits.values():
        assert ids.tolist() == [i for s in part.segments for i in (tokenizer.bos_id, *tokenizer.encode(s).tolist())]
        assert tokenizer.decode(ids) == part.text
    assert [len(part.segments) for part, _ in splits.values()] == [2, 1, 1]
    assert "".join(part.text for part, _ in splits.values()) == "".join(str(d.text) for d in CORPUS.documents)


def test_a_split_without_text_is_left_out() -> None:
    assert list(prepare(CORPUS, DataConfig(), BPE)[1]) == ["train", "validation"]


def test_the_reference_splits_its_tokens_like_the_course_report(
    shakespeare_corpus: Corpus, reference: tuple[Tokenizer, TokenizedSplits]
) -> None:
    tokenizer, splits = reference
    assert list(splits) == ["train", "validation"]
    (train, train_ids), (validation, validation_ids) = splits["train"], splits["validation"]
    assert (len(train_ids), len(validation_ids)) == (358_503, 89_626)
    assert train.text + validation.text == shakespeare_corpus.documents[0].text
    assert not validation.text[0].isspace()
    start = validation.text[:2000]
    assert tokenizer.encode(start)[:200].tolist() == validation_ids[:200].tolist()
    assert tokenizer.encode(train.text[-5000:])[-200:].tolist() == train_ids[-200:].tolist()


def test_tokens_can_be_split_in_three_without_losing_any() -> None:
    config = TokenizerConfig(kind="bpe", vocab_size=300, trained_on="all")
    tokenizer, splits = prepare(CORPUS, DataConfig(validation=0.25, test=0.25, split_by="tokens"), config)
    full_text = "".join(str(d.text) for d in CORPUS.documents)
    assert "".join(part.text for part, _ in splits.values()) == full_text
    ids = [i for _, part_ids in splits.values() for i in part_ids.tolist()]
    assert ids == tokenizer.encode(full_text).tolist()
    total = len(ids)
    lengths = [len(part_ids) for _, part_ids in splits.values()]
    assert lengths == [int(total * 0.5), int(total * 0.75) - int(total * 0.5), total - int(total * 0.75)]
    for part, part_ids in splits.values():
        assert tokenizer.decode(part_ids) == part.text


@pytest.mark.parametrize(
    ("data", "tokenizer"),
    [(DataConfig(split_by="tokens"), BPE), (DataConfig(), TokenizerConfig(kind="whitespace-bpe", vocab_size=300))],
)
def test_documents_that_would_not_be_separated_are_refused(data: DataConfig, tokenizer: TokenizerConfig) -> None:
    corpus = Corpus("stories", CORPUS.documents, document_unit="separator:|")
    with pytest.raises(OctavoError, match="documents=file"):
        prepare(corpus, data, tokenizer)


def test_too_few_tokens_for_a_validation_split_are_refused() -> None:
    config = TokenizerConfig(kind="whitespace-bpe", vocab_size=50, trained_on="all")
    with pytest.raises(OctavoError, match=r"only 1 token, .* longer text"):
        prepare(Corpus.from_text("aaaa"), DataConfig(split_by="tokens"), config)
