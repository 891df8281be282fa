"""The command that trains a run again: parsed, it asks for the very same config and text."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from octavo.cli.parser import parse
from octavo.config import Config, load_preset
from octavo.config.overrides import Request
from octavo.corpus import Corpus, read_corpus
from octavo.formats.toml_schema import parse_assignment, with_overrides
from octavo.pipeline.run import Run
from octavo.reports.recipe import recipe
from octavo.runs.provenance import TINY_SHAKESPEARE

TEXT = {"characters": 9, "bytes": 9, "sha256": "ab", "documents": 1, "first_documents": ["a b.txt"]}
LAST = {"packages": {"octavo": "0.1.0"}, "threads": 2}


def provenance(**text: Any) -> dict[str, Any]:
    return {"text": TEXT | text, "sittings": [LAST], "precision": {"name": "bf16", "reason": "as asked"}}


def asked(command: str) -> tuple[Config, list[str], str | None]:
    """The config, the sources and the encoding that a command asks for."""
    program, *words = shlex.split(command)
    assert program == "octavo"
    options = parse(words)
    request = Request(
        options.preset,
        [parse_assignment(text) for text in options.set],
        options.minutes,
        options.steps,
        options.epochs,
        options.seed,
    )
    return request.applied_to(None), options.text, options.encoding


@pytest.mark.parametrize("preset", ["pocket", "reference"])
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"train.seed": 7, "train.minutes": 0, "train.epochs": 0, "train.steps": 300},
        {"train.minutes": 0, "train.epochs": 2.5, "model.feedforward": "gelu", "model.bias": False},
        {"optimizer.betas": [0.5, 0.25], "optimizer.epsilon": 1.5e-11, "optimizer.clip_norm": 5e20},
        {"train.minutes": 0.1, "train.epochs": 0, "train.steps": 0, "model.n_layers": 3, "model.residual": False},
    ],
)
def test_it_asks_for_the_same_config(preset: str, overrides: dict[str, Any]) -> None:
    config = with_overrides(load_preset(preset), overrides.items())
    command = recipe(config, provenance(), Path("runs/a")).command
    assert asked(command) == (config, ["a b.txt"], None)
    assert f"--seed {config.train.seed}" in command
    if not overrides:
        assert "--set" not in command


def test_a_run_is_asked_for_with_its_text(trained: Run, play_file: Path) -> None:
    found = recipe(trained.config, trained.directory.provenance, trained.path)
    config, sources, _ = asked(found.command)
    assert config == trained.config
    assert read_corpus(sources).sha256 == trained.directory.provenance["text"]["sha256"]
    assert any("bit for bit" in note for note in found.notes)


def test_tiny_shakespeare_needs_no_file() -> None:
    assert read_corpus([]).sha256 == TINY_SHAKESPEARE
    found = recipe(Config(), provenance(sha256=TINY_SHAKESPEARE, sources=["input.txt"]), Path("runs/a"))
    assert found.command == "octavo train --preset pocket --seed 42"
    assert "Tiny Shakespeare" in found.notes[0]
    assert any("budget is in minutes" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sources", "words"), [(["-x.txt", "notes"], ["./-x.txt", "notes"]), (["$(rm -rf) ;.txt"], ["$(rm -rf) ;.txt"])]
)
def test_names_stay_names(sources: list[str], words: list[str]) -> None:
    command = recipe(Config(), provenance(sources=sources, encoding="latin-1"), Path("runs/a")).command
    assert asked(command)[1:] == (words, "latin-1")


def test_documents_are_asked_for_again() -> None:
    unit = r"separator:<|endoftext|>\n"
    command = recipe(Config(), provenance(sources=["a.txt"], document_unit=unit), Path("runs/a")).command
    assert parse(shlex.split(command)[1:]).documents == unit
    assert parse(shlex.split(recipe(Config(), provenance(), Path("runs/a")).command)[1:]).documents is None


@pytest.mark.parametrize("sources", [[], ["-"]])
def test_a_text_that_came_from_no_file_comes_from_the_run(trained: Run, sources: list[str]) -> None:
    known = trained.directory.provenance
    text = known["text"] | {"sources": sources}
    command = recipe(trained.config, known | {"text": text}, trained.path).command
    before, _, train = command.partition(" | ")
    assert asked(train)[1] == ["-"]
    out = subprocess.run(shlex.split(before), capture_output=True, check=True).stdout
    assert Corpus.from_text(out.decode()).sha256 == text["sha256"]


def test_many_texts_of_an_earlier_version_or_in_memory_are_told_of() -> None:
    few = recipe(Config(), provenance(documents=2, first_documents=["a", "b"]), Path("runs/a"))
    assert asked(few.command)[1] == ["a", "b"]
    many = recipe(Config(), provenance(documents=40, first_documents=["a", "b"]), Path("runs/a"))
    assert "40 documents" in many.notes[0]


def test_what_an_earlier_version_held_out_is_held_out_again() -> None:
    for documents, held_out, option in ((40, None, True), (19, None, False), (40, "documents", False)):
        known = {} if held_out is None else {"held_out": held_out}
        command = recipe(Config(), provenance(documents=documents, sources=["a"], **known), Path("runs/a")).command
        assert ("--set data.held_out=end" in command) == option


def test_a_folder_whose_name_the_locale_could_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: path.name == "train.txt")  # not every file system takes the name
    command = recipe(Config(), provenance(sources=["-"]), Path("T\udcc3\udcbcr")).command
    assert command.startswith("cat 'Tür/data/train.txt' | octavo train - ")
