"""A run's text as documents, in tokens and in characters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octavo.config import DataConfig, TokenizerConfig
from octavo.corpus import Corpus, Document
from octavo.data.prepare import prepare
from octavo.data.token_files import open_splits, save_splits
from octavo.evaluate import documents as module
from octavo.evaluate.documents import decode_documents, documents_of, last_characters

CORPUS = Corpus("c", (Document("1", "Ein Häuschen. " * 20), Document("2", "😀😀"), Document("3", "ünd Ende. " * 30)))


def parts(tmp_path: Path, kind: Any, corpus: Corpus = CORPUS) -> tuple[Any, Any]:
    tokenizer, prepared = prepare(corpus, DataConfig(validation=0.1), TokenizerConfig(kind=kind, vocab_size=300))
    save_splits(tmp_path, prepared)
    return tokenizer, open_splits(tmp_path)


@pytest.mark.parametrize("kind", ["bpe", "characters"])
def test_the_documents_of_a_part_are_those_that_were_given(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 5)  # blocks that end within a character
    tokenizer, found = parts(tmp_path, kind)
    train = documents_of(found["train"], tokenizer)
    cut = int(0.9 * CORPUS.characters) - 282
    assert train.texts == ["Ein Häuschen. " * 20, "😀😀", ("ünd Ende. " * 30)[:cut]]
    assert "".join(train.texts) == found["train"].text
    assert [tokenizer.decode(ids) for ids in train.tokens] == train.texts
    assert train.complete


def test_of_a_long_part_only_the_end_is_taken(tmp_path: Path) -> None:
    tokenizer, found = parts(tmp_path, "characters")
    whole, end = documents_of(found["train"], tokenizer), documents_of(found["train"], tokenizer, 100)
    assert end.texts == ["".join(whole.texts)[-100:]]
    assert np.array_equal(end.tokens[-1], whole.tokens[-1][-100:])
    assert not end.complete
    assert documents_of(found["train"], tokenizer, 10_000).complete
    assert documents_of(found["train"], tokenizer, 10_000).texts == whole.texts


def test_where_the_tokenizer_loses_text_the_text_is_still_the_text(tmp_path: Path) -> None:
    corpus = Corpus.from_text("So  many\n\nblanks here. " * 30)
    tokenizer, found = parts(tmp_path, "whitespace-bpe", corpus)
    train = documents_of(found["train"], tokenizer)
    assert train.texts == [found["train"].text]
    assert "  " in train.texts[0]
    assert documents_of(found["train"], tokenizer, 9).texts == [found["train"].text[-9:]]
    assert "".join(decode_documents(found["train"], tokenizer)).strip() == tokenizer.decode(found["train"].ids)


def test_another_text(tmp_path: Path) -> None:
    tokenizer, _ = parts(tmp_path, "bpe")
    other = documents_of(CORPUS, tokenizer)
    assert other.texts == [document.text for document in CORPUS.documents]
    assert [tokenizer.decode(ids) for ids in other.tokens] == other.texts


def test_the_last_characters_of_several_texts() -> None:
    assert last_characters(["abc", "", "def"], 4) == ["c", "", "def"]
    assert last_characters(["abc", "def"], 3) == ["def"]
    assert last_characters(["abc", "def"], 99) == ["abc", "def"]
    assert last_characters(["abc"], None) == ["abc"]
    assert last_characters(["abc"], 0) == []
