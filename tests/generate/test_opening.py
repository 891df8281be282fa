"""A text without a prompt begins where its training text has beginnings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octavo.config.inference import SamplingConfig
from octavo.data.token_files import Ids
from octavo.evaluate import memorisation
from octavo.generate.generate import decoder_of, generate_from
from octavo.generate.prompts import find_opening, opening_of_run
from octavo.generate.text import continue_prompts
from octavo.pipeline.run import Run
from octavo.tokenizer import ByteBPE, Tokenizer
from octavo.tokenizer.kinds import Characters, WhitespaceBPE

PARAGRAPH = "It was a day like\nany other, they say.\nSo it went on.\n\n"


def in_tokens(tokenizer: Tokenizer, *documents: str) -> Ids:
    start = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    return np.concatenate([[*start, *tokenizer.encode(text)] for text in documents]).astype(np.uint16)


def opened(text: str, *more: str, vocab_size: int = 300) -> tuple[str, list[int]]:
    """What the opening of documents reads as, and its tokens."""
    tokenizer = ByteBPE.train(text, vocab_size)
    found = find_opening(in_tokens(tokenizer, text, *more), tokenizer)
    return tokenizer.decode(found), found


@pytest.mark.parametrize(
    ("text", "border"),
    [
        (PARAGRAPH * 40, "\n\n"),
        (PARAGRAPH.replace("\n", "\r\n") * 40, "\r\n\r\n"),
        ("Ada\nBea\nCy\n" * 99, "\n"),
        ("Ada\r\nBea\r\nCy\r\n" * 99, "\r\n"),
        ("Ada\rBea\rCy\r" * 99, "\r"),
        ("Ada\nBea\nCy\n" * 99 + "\n\nDot", "\n"),
    ],
)
def test_a_text_begins_after_a_blank_line_or_a_line_break(text: str, border: str) -> None:
    for size in (257, 300):
        reads, found = opened(text, vocab_size=size)
        assert reads.endswith(border)
        assert len(found) <= len(border)


def test_the_tokens_are_those_that_mostly_stand_there() -> None:
    reads, found = opened(PARAGRAPH * 40)
    assert (reads, len(found)) == (".\n\n", 1)


def test_of_many_documents_one_is_begun() -> None:
    reads, found = opened(*["Ada went home.\n"] * 25, *["Bea did\n\nnot"] * 20)
    assert reads == ".\n"
    assert found[-1] == 0, "the start token, before which stands the end of a document"
    assert opened(*["Ada went home.\n"] * 20)[1][-1] != 0, "too few: they would be known by heart"


def test_without_lines_or_without_a_start_token_there_is_none() -> None:
    assert opened("word " * 99)[1] == []
    lossy = WhitespaceBPE.train(PARAGRAPH, 60)
    assert find_opening(in_tokens(lossy, PARAGRAPH * 9), lossy) == []
    characters = Characters.train(PARAGRAPH, 300)
    assert characters.decode(find_opening(in_tokens(characters, PARAGRAPH * 9), characters)) == "\n\n"


def joined(rows: Iterable[list[str]]) -> list[str]:
    return ["".join(column) for column in zip(*rows, strict=True)]


def test_a_run_begins_lines_and_shows_nothing_of_what_stands_before(trained: Run) -> None:
    data, tokenizer = trained.path / "data", trained.tokenizer
    before = tokenizer.decode(opening_of_run(data, tokenizer))
    assert before.endswith("\n\n")
    options: dict[str, Any] = {"max_new_tokens": 8, "temperature": 1.0}
    texts = joined(trained.generate_many([""] * 200, **options))
    sampling, context = SamplingConfig(**options), trained.config.data.context_length
    anywhere = joined(
        continue_prompts(decoder_of(trained.model), tokenizer, [""] * 200, context_length=context, sampling=sampling)
    )
    begun, chance = (sum(text[:1].isupper() for text in found) for found in (texts, anywhere))
    assert begun > 120 > 2 * chance
    from_disk = generate_from(trained.directory, [""], sampling=SamplingConfig(**options))
    assert "".join(row[0] for row in from_disk) == texts[0]


def test_samples_shown_while_training_begin_alike(trained: Run) -> None:
    last = [event for event in trained.metrics if event["event"] == "sample"][-1]
    assert last["text"] == trained.generate("", seed=last["step"], max_new_tokens=60)
    assert trained.generate("", max_new_tokens=250) in (trained.path / "samples.txt").read_text()


def test_so_do_the_texts_that_are_looked_up_in_the_training_text(
    copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def noted(*_: object, **options: Any) -> list[list[str]]:
        asked.update(options)
        return [["text"]]

    monkeypatch.setattr(memorisation, "continue_prompts", noted)
    copied.memorisation(samples=1, tokens=5)
    assert asked["opening"] == opening_of_run(copied.path / "data", copied.tokenizer) != []


def test_a_run_looks_once_where_its_texts_begin(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []

    def noted(data: Path, tokenizer: Tokenizer) -> list[int]:
        looked.append(data)
        return opening_of_run(data, tokenizer)

    monkeypatch.setattr("octavo.generate.generate.opening_of_run", noted)
    assert copied.generate("", max_new_tokens=5) == copied.generate("", max_new_tokens=5)
    assert looked == [copied.path / "data"]


def test_a_run_whose_text_is_gone_still_writes(copied: Run, tmp_path: Path) -> None:
    (copied.path / "data" / "train.npy").unlink()
    assert opening_of_run(copied.path / "data", copied.tokenizer) == []
    sampling = SamplingConfig(max_new_tokens=5)
    assert "".join(row[0] for row in generate_from(copied.directory, [""], sampling=sampling))
    assert copied.generate("", max_new_tokens=5)
