"""A plan writes nothing and refuses what cannot work before it is begun."""

import os
from pathlib import Path
from typing import Any

import pytest

from octavo.config.overrides import Request
from octavo.corpus import Corpus, Document
from octavo.errors import OctavoError
from octavo.pipeline.plan import as_corpus, make_plan
from octavo.pipeline.train import train
from octavo.pipeline.verify import verify


def test_it_knows_the_run_and_writes_nothing(play_file: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "play").mkdir()
    plan = make_plan(as_corpus(play_file), Request(overrides=tiny, steps=3), root=tmp_path)
    assert plan.name == "play-2"
    assert plan.forecast.steps == 3
    assert plan.tokenizer.vocab_size == plan.forecast.vocab_size == 512
    assert set(plan.prepared) == {"train", "validation"}
    assert os.listdir(tmp_path) == ["play"]
    assert os.listdir(tmp_path / "play") == []


def test_a_taken_or_unfit_name_is_refused_before_the_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for name, message in (("taken", "taken exists already"), ("a/b", "cannot be the name of a run")):
        with pytest.raises(OctavoError, match=message):
            train("missing.txt", steps=1, name=name, runs=tmp_path)


def test_texts_can_be_a_path_paths_or_a_corpus(play_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_bytes("é".encode("cp1252"))
    corpus = Corpus.from_text("x", "name")
    assert as_corpus(corpus, "utf-8") is corpus
    assert as_corpus(str(play_file), "utf-8") == as_corpus(play_file, "utf-8") == as_corpus([play_file], "utf-8")
    assert as_corpus(other, "cp1252").documents[0].text == "é"
    assert len(as_corpus([other, play_file], "cp1252").documents) == 2


def test_a_vocabulary_of_characters_is_what_the_text_needs_or_the_plan_says_what_it_lacks(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    text = Corpus.from_text("".join(chr(0x4E00 + i * i % 997) for i in range(9000)), "中")
    settings = tiny | {"tokenizer.kind": "characters", "tokenizer.vocab_size": 0}
    plan = make_plan(text, Request(overrides=settings, steps=1), root=tmp_path)
    distinct = 1 + 996 // 2  # the squares modulo a prime
    assert plan.tokenizer.vocab_size == plan.config.tokenizer.vocab_size == 257 + distinct
    assert not any("distinct characters" in line for line in plan.lines())
    plan = make_plan(text, Request(overrides=settings | {"tokenizer.vocab_size": 512}, steps=1), root=tmp_path)
    assert plan.config.tokenizer.vocab_size == 512
    (line,) = [line for line in plan.lines() if "distinct characters" in line]
    assert all(figure in line for figure in (f"255 of {distinct} ", f"vocab_size={257 + distinct} "))


def test_a_run_of_characters_can_be_resumed_as_it_was_begun(play: str, tiny: dict[str, Any], tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "overrides": tiny | {"tokenizer.kind": "characters", "tokenizer.vocab_size": 0},
        "steps": 2,
        "brief": True,
    }
    run = train(Corpus.from_text(play[:8000]), name="one", runs=tmp_path, progress=False, **options)
    assert run.config.tokenizer.vocab_size == run.tokenizer.vocab_size
    again = train(name="one", runs=tmp_path, progress=False, resume=True, preset="pocket", **options)
    assert again.evaluation.nats_per_character == run.evaluation.nats_per_character
    assert [check.wrong for check in verify(run.directory) if check.wrong] == []


def test_it_says_which_documents_are_held_out(tiny: dict[str, Any], play: str, tmp_path: Path) -> None:
    """A folder's texts may differ, and the score is of the last ones alone."""
    texts = tuple(
        Document(f"{number}.txt", play[start : start + 5_000]) for number, start in enumerate((0, 9_000, 20_000))
    )
    request = Request(overrides=tiny, steps=1)
    (line,) = [
        line
        for line in make_plan(Corpus("plays", texts), request, root=tmp_path).lines()
        if "validation split:" in line
    ]
    assert "10%" in line
    assert "1 of 3 documents" in line
    one = make_plan(Corpus.from_text(play), request, root=tmp_path)
    assert not any("validation split:" in line for line in one.lines())


def test_of_many_documents_whole_ones_are_held_out(words_file: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    def planned(seed: int, **settings: str) -> tuple[str, list[str]]:
        overrides = tiny | {f"data.{name}": value for name, value in settings.items()}
        request = Request(steps=3, overrides=overrides, seed=seed)
        plan = make_plan(corpus, request, root=tmp_path)
        (line,) = [line for line in plan.lines() if line.startswith("validation split:")]
        return line, [str(segment) for segment in plan.prepared["validation"][0].segments]

    corpus = as_corpus(words_file, documents="lines")
    line, words = planned(1)
    assert f"{len(words)} of 400 documents, spread over the text, chosen by the seed" in line
    assert 36 <= len(words) <= 44
    assert planned(1)[1] == words != planned(2)[1]
    line, words = planned(1, held_out="end")
    assert "at its end" in line
    assert words[1:] == words_file.read_text().split()[-len(words) + 1 :]
    corpus = as_corpus(words_file)
    with pytest.raises(OctavoError, match="too few for"):
        planned(1, held_out="documents")


def test_a_run_on_documents_resumes_and_verifies(words_file: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    overrides = tiny | {"data.test": 0.05, "tokenizer.dropout": 0.1}
    options: dict[str, Any] = {"documents": "lines", "runs": tmp_path, "progress": False, "brief": True}
    run = train(words_file, name="a", steps=12, overrides=overrides, **options)
    assert run.directory.provenance["text"]["held_out"] == "documents"
    assert [check for check in verify(run.directory, full=True) if check.wrong] == []
    splits = {name: split.text for name, split in run.splits.items()}
    words = words_file.read_text().split()
    assert sum(map(len, splits.values())) == sum(map(len, words))
    assert {name: split.facts.ends for name, split in run.splits.items()} == {
        name: split.facts.documents for name, split in run.splits.items()
    }
    again = train(words_file, name="a", resume=True, overrides=overrides, **options)  # it is the same text
    assert {name: split.text for name, split in again.splits.items()} == splits
    with pytest.raises(OctavoError, match=r"data\.held_out"):
        train(name="a", resume=True, overrides={"data.held_out": "end"}, **(options | {"documents": "file"}))
