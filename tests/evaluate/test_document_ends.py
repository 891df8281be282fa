"""Where documents are not files, the end of each is scored as one character, by the model and by every baseline."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from octavo.config import DataConfig, ModelConfig, TokenizerConfig
from octavo.corpus import Corpus, with_documents
from octavo.data.prepare import prepare
from octavo.data.token_files import open_splits, save_splits
from octavo.evaluate import evaluate
from octavo.evaluate.baselines import fit_baselines
from octavo.evaluate.comparison import protocol_description
from octavo.evaluate.documents import Documents, documents_of, scored_text
from octavo.evaluate.evaluation import disjoint_chunks
from octavo.model import Transformer
from octavo.pipeline.run import Run, load
from octavo.pipeline.verify import verify
from octavo.tokenizer import train_tokenizer

LINES = [f"line {number} of {number % 7} – é" for number in range(60)]
LISTED = with_documents(Corpus.from_text("\n".join(LINES), "list"), "lines")
TOKENIZER = train_tokenizer(TokenizerConfig(vocab_size=290), LISTED.documents[0].text)
BOS = TOKENIZER.bos_id or 0


@pytest.mark.parametrize("protocol", ["sliding", "disjoint"])
def test_each_end_is_a_token_and_a_character(protocol: str) -> None:
    model = Transformer(ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=24), TOKENIZER.vocab_size)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    text = scored_text(LISTED, TOKENIZER, ends=True)
    score = evaluate(model, TOKENIZER, text, context_length=32, protocol=protocol, window_characters=7)  # type: ignore[arg-type]
    assert (score.document_ends, score.characters) == (60, LISTED.characters + 60)
    assert score.bytes == LISTED.bytes + 60
    chunks = (
        [line[at : at + 7] for line in LINES for at in range(0, len(line), 7)] if protocol == "disjoint" else LINES
    )
    assert score.tokens == sum(len(TOKENIZER.encode(chunk)) for chunk in chunks) + 60
    assert score.nats_per_token == pytest.approx(math.log(TOKENIZER.vocab_size), rel=1e-6)
    assert score.nats_per_character * score.characters == pytest.approx(score.nats_per_token * score.tokens)
    assert "60 ends of documents" in protocol_description(score)


def test_the_end_stays_with_the_last_chunk_of_its_document() -> None:
    text = scored_text(LISTED, TOKENIZER, ends=True)
    chunks = disjoint_chunks(TOKENIZER, text.documents, 10)
    ended = [BOS in chunk.tolist() for chunk in chunks]
    assert sum(ended) == 60
    assert ended[-1]
    assert [TOKENIZER.decode(chunk) for chunk in chunks[:2]] == [LINES[0][:10], LINES[0][10:]]
    assert [chunk.tolist()[-1] == BOS for chunk in chunks] == ended


def test_without_ends_nothing_changes() -> None:
    """Of files, and where the run learned no ends."""
    files = replace(LISTED, document_unit="file")
    for text in (scored_text(LISTED, TOKENIZER), scored_text(files, TOKENIZER, ends=True)):
        assert text.ends == 0
        assert [ids.tolist() for ids in text.documents] == [TOKENIZER.encode(line).tolist() for line in LINES]
    assert not documents_of(files, TOKENIZER, ends=True).ends


def test_baselines_see_an_end_as_a_character_that_the_text_does_not_have() -> None:
    """They score what they score where that character is text, and the start token an ordinary token."""
    texts = [*LINES, "a text with \0 and \1"]
    learned, scored = (
        Documents([TOKENIZER.encode(t) for t in part], part, ends=True) for part in (texts, LINES[::7])
    )
    marked = [
        Documents([np.append(ids, BOS) for ids in part.tokens], [f"{text}\2" for text in part.texts])
        for part in (learned, scored)
    ]
    size = TOKENIZER.vocab_size
    found = fit_baselines(learned, scored, vocab_size=size, bos_id=BOS)
    expected = fit_baselines(*marked, vocab_size=size, bos_id=None)
    losses = [[(row.name, row.nats_per_character, row.nats_per_token) for row in rows] for rows in (found, expected)]
    assert losses[0] == losses[1]
    assert len(found) > 3
    without = fit_baselines(replace(learned, ends=False), replace(scored, ends=False), vocab_size=size, bos_id=BOS)
    assert [row.nats_per_character for row in without] != [row.nats_per_character for row in found]


def test_a_document_that_the_border_cuts_has_no_end(tmp_path: Path) -> None:
    few = Corpus("few", tuple(replace(each, text=str(each.text) * 9) for each in LISTED.documents[:8]))
    tokenizer, prepared = prepare(
        replace(few, document_unit="lines"), DataConfig(validation=0.3), TokenizerConfig(vocab_size=290)
    )
    save_splits(tmp_path, prepared)
    splits = open_splits(tmp_path)
    counts = {name: (split.facts.documents, split.facts.ends) for name, split in splits.items()}
    assert counts == {"train": (6, 5), "validation": (3, 3)}
    for name, ends in (("train", 5), ("validation", 3)):
        text = scored_text(splits[name], tokenizer)
        assert text.ends == text.documents[0].tolist().count(tokenizer.bos_id) == ends
        whole = documents_of(splits[name], tokenizer).with_ends(tokenizer.bos_id or 0, "\0")
        assert ["\0" in each for each in whole.texts] == [True] * ends + [False] * (name == "train")
        assert sum(map(len, whole.tokens)) == sum(map(len, text.documents))
    as_files = prepare(few, DataConfig(validation=0.3), TokenizerConfig(vocab_size=290))[1]
    assert [part.ends for part, _ in as_files.values()] == [0, 0]


def test_a_run_says_how_many_ends_it_scored(listed: Run, trained: Run, words_file: Path, tmp_path: Path) -> None:
    score, facts = listed.evaluation, listed.split("validation").facts
    assert score.document_ends == facts.ends > 0
    assert score.characters == facts.characters + facts.ends
    assert trained.evaluation.document_ends == trained.split("validation").facts.ends == 0
    assert [check for check in verify(listed.directory, full=True) if check.wrong] == []
    shutil.copytree(listed.path, tmp_path / "copy")
    copy = load(tmp_path / "copy")
    lines = copy.evaluate(words_file, documents="lines")
    whole = copy.evaluate(words_file)
    assert (lines.document_ends, lines.characters) == (400, whole.characters)  # ends in place of line ends
    assert whole.document_ends == 0
    kinds = {row.kind for row in copy.baselines(words_file, documents="lines")}
    assert {"unigram", "kneser-ney"} <= kinds
    assert all(math.isfinite(row.nats_per_character) for row in copy.baselines())


def test_a_score_of_an_earlier_version_scored_no_ends(copied: Run) -> None:
    path = copied.path / "evaluation.json"
    content = json.loads(path.read_text())
    for score in (content, *content["all"]):
        assert score.pop("document_ends") == 0
    path.write_text(json.dumps(content))
    assert copied.evaluation.document_ends == 0
    copied.evaluate()
    assert len(json.loads(path.read_text())["all"]) == 1  # it replaces that score
