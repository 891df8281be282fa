"""A run on lines writes whole lines, and on request only such as its text does not contain."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.generate.documents import TRIES, has_line_documents, known_texts, only_new
from octavo.generate.generate import new_texts_from
from octavo.generate.prompts import find_opening, opening_of_run
from octavo.pipeline.run import Run, load
from octavo.pipeline.verify import verify


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["generate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def words(words_file: Path) -> set[str]:
    return set(words_file.read_text().split())


def test_generation_begins_a_document(listed: Run, trained: Run) -> None:
    opening = opening_of_run(listed.path / "data", listed.tokenizer)
    assert opening[-1] == listed.tokenizer.bos_id
    assert find_opening(listed.split("train").ids, listed.tokenizer) == opening  # there are many
    assert has_line_documents(listed.directory)
    assert not has_line_documents(trained.directory)
    # Also of few documents, if the run learned where they end.
    few = listed.split("train").ids[:40]
    assert find_opening(few, listed.tokenizer, 1)[-1] == listed.tokenizer.bos_id
    assert find_opening(few, listed.tokenizer) == []


def test_a_document_is_a_line_of_the_output(listed: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(listed.path)
    code, out, _ = said(capsys, run, "--count", "12")
    assert (code, out.count("\n")) == (0, 12)
    texts = ["".join(column) for column in zip(*listed.generate_many([""] * 12), strict=True)]
    assert out == "".join(f"{text}\n" for text in texts)
    assert said(capsys, run)[1] == f"{texts[0]}\n"
    samples = (listed.path / "samples.txt").read_text()
    assert samples.startswith("--- sample 1 ---\n" + "".join(f"{text}\n" for text in texts[:10]))
    assert max(map(len, texts)) < 40, "each ends with its word, long before 200 tokens"


def test_texts_of_other_runs_are_separated_by_rules(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, str(trained.path), "--count", "2", "--max-new-tokens", "9", "--only-new")
    assert "--- 1 of 2 ---\n" in out
    assert "--- 2 of 2 ---\n" in out


def test_only_new_texts(listed: Run, words: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, str(listed.path), "--count", "30", "--only-new")
    found = out.splitlines()
    assert (code, len(found), err) == (0, 30, "")
    assert len(set(found)) == 30
    assert not words & set(found)
    assert listed.generate_new(30) == found
    # They are the texts of the same seed without some.
    every = ["".join(column) for column in zip(*listed.generate_many([""] * 200), strict=True)]
    assert found == list(dict.fromkeys(text for text in every if text and text not in words))[:30]
    with_prompt = listed.generate_new(3, "st", max_new_tokens=8, seed=5)
    assert all(text.startswith("st") for text in with_prompt)
    sampling = SamplingConfig(max_new_tokens=8, seed=5)
    assert list(new_texts_from(listed.directory, "st", 3, sampling=sampling)) == with_prompt


def test_documents_of_all_splits_are_known(listed: Run, words: set[str]) -> None:
    is_known = known_texts(listed.directory, listed.tokenizer)
    assert all(map(is_known, words))
    assert not is_known(min(words)[:-1])


def test_of_other_runs_text_is_known_wherever_it_occurs(trained: Run) -> None:
    text, is_known = trained.split("train").text, known_texts(trained.directory, trained.tokenizer)
    assert is_known(text[1000:1030])
    assert not is_known(text[1000:1030] + "zq")
    assert not any(found in text for found in trained.generate_new(3, max_new_tokens=40))


def test_the_search_ends(listed: Run, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[int, int]] = []

    def generate(first: int, together: int) -> Iterator[str]:
        asked.append((first, together))
        return (["known", "new", " ", ""][number % 4] for number in range(first, first + together))

    assert list(only_new(generate, lambda text: text == "known", 3)) == ["new"]
    assert sum(together for _, together in asked) == 3 * TRIES
    assert [first for first, _ in asked] == [0, 16, 32, 48]
    code, out, err = said(capsys, str(listed.path), "--count", "5", "--only-new", "--temperature", "0")
    assert (code, len(out.splitlines())) == (0, len(set(out.splitlines())))
    assert len(out.splitlines()) <= 1
    assert f"of {5 * TRIES} texts were new" in err


@pytest.mark.parametrize("count", [0, 10_001, "3"])
def test_a_count_out_of_range_is_refused(listed: Run, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OctavoError, match="out of range"):
        listed.generate_new(count)
    code, out, err = said(capsys, str(listed.path), "--only-new", "--count", f"{count}0000")
    assert (code, out) == (2, "")
    assert "out of range" in err


def test_a_run_shared_without_its_text_writes_lines(
    listed: Run, words_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(listed.path, tmp_path / "own")
    own = load(tmp_path / "own").evaluate(words_file, documents="lines")
    listed.share(tmp_path / "words.zip")
    with zipfile.ZipFile(tmp_path / "words.zip") as file:
        file.extractall(tmp_path)
    shared = load(tmp_path / listed.name)
    assert [check for check in verify(shared.directory) if check.wrong] == []
    lines = shared.evaluate(words_file, documents="lines")
    assert (lines.document_ends, lines.bits_per_character) == (400, own.bits_per_character)
    code, out, _ = said(capsys, str(shared.path), "--count", "5")
    assert (code, out) == (0, said(capsys, str(listed.path), "--count", "5")[1])
    code, out, err = said(capsys, str(shared.path), "--count", "5", "--only-new")
    assert (code, out) == (2, "")
    assert "shared without its text" in err
