"""baselines.json: computed once, and never believed when it is damaged."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from octavo.evaluate import Baseline
from octavo.evaluate import baseline_cache as module
from octavo.evaluate.baseline_cache import BASELINES_FILE, read_baselines, write_baselines
from octavo.runs import RunDirectory

ROWS = [
    Baseline("unigram of tokens", "unigram", 2.5, 3.6, 5.0, 0.1, ""),
    Baseline("xz -9e", "compressor", 1.5, 2.2, None, 1.0, "rough"),
]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_what_was_kept_comes_back(run: RunDirectory) -> None:
    assert read_baselines(run, "train", "one") is None
    write_baselines(run, "train", "one", "1.txt", ROWS)
    write_baselines(run, "train", "two", "2.txt", ROWS[:1])
    assert read_baselines(run, "train", "one") == ROWS
    assert read_baselines(run, "train", "two") == ROWS[:1]
    assert read_baselines(run, "train", "three") is None
    assert json.loads((run.path / BASELINES_FILE).read_text())["texts"]["one"]["text"] == "1.txt"


def test_of_texts_kept_at_once_none_is_lost(run: RunDirectory) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_baselines(run, "train", text, "x", ROWS), map(str, range(32))))
    assert all(read_baselines(run, "train", str(text)) == ROWS for text in range(32))


def test_what_was_learned_from_anything_else_goes(run: RunDirectory) -> None:
    write_baselines(run, "train", "one", "1.txt", ROWS)
    assert read_baselines(run, "other", "one") is None
    write_baselines(run, "other", "two", "2.txt", ROWS)
    assert read_baselines(run, "other", "two") == ROWS
    assert read_baselines(run, "train", "one") is None


def test_the_file_does_not_grow_without_end(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_TEXTS", 3)
    for number in range(5):
        write_baselines(run, "train", str(number), "x", ROWS)
    write_baselines(run, "train", "3", "x", ROWS)
    assert list(json.loads((run.path / BASELINES_FILE).read_text())["texts"]) == ["2", "4", "3"]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 1, "learned_from": "train", "texts": 3}',
        '{"version": 1, "learned_from": "train", "texts": {"one": 3}}',
        '{"version": 1, "learned_from": "train", "texts": {"one": {"baselines": 3}}}',
        '{"version": 1, "learned_from": "train", "texts": {"one": {"baselines": []}}}',
        '{"version": 1, "learned_from": "train", "texts": {"one": {"baselines": [{"name": "x"}]}}}',
        '{"version": 1, "learned_from": "train", "texts": {"one": {"baselines": [7]}}}',
        "\udcff",
    ],
)
def test_a_damaged_file_is_as_good_as_none(run: RunDirectory, damage: str) -> None:
    (run.path / BASELINES_FILE).write_bytes(damage.encode(errors="surrogateescape"))
    assert read_baselines(run, "train", "one") is None
    write_baselines(run, "train", "one", "1.txt", ROWS)
    assert read_baselines(run, "train", "one") == ROWS


@pytest.mark.parametrize(
    ("key", "value"), [("nats_per_character", "2.5"), ("nats_per_token", None), ("name", 3), ("seconds", None)]
)
def test_a_row_of_the_wrong_kind_is_none(run: RunDirectory, key: str, value: object) -> None:
    write_baselines(run, "train", "one", "1.txt", ROWS)
    content = json.loads((run.path / BASELINES_FILE).read_text())
    content["texts"]["one"]["baselines"][0][key] = value
    run.write_json(BASELINES_FILE, content)
    assert read_baselines(run, "train", "one") is None


def test_a_folder_that_is_gone_is_an_error_of_the_system(run: RunDirectory) -> None:
    shutil.rmtree(run.path)
    with pytest.raises(OSError, match="No such file"):
        write_baselines(run, "train", "one", "1.txt", ROWS)
