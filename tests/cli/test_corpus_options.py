"""What was read and what was left out is said by every command that reads a text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octavo.cli.main import main
from octavo.corpus import read_corpus
from octavo.corpus.document import Skipped
from octavo.corpus.outputs import enclosing_run, is_run
from octavo.formats.untrusted import MAX_TEXT_BYTES
from octavo.pipeline.run import Run
from octavo.pipeline.train import train
from octavo.runs.provenance import text_facts

END = "<|endoftext|>"
SKIPPED = "skipped 3 files: "  # a run, a further name, a PDF


@pytest.fixture
def project(play: str, copied: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: stories, in two encodings, beside a run."""
    folder = copied.path.parent
    (folder / "a.txt").write_bytes(END.join([play[:3_000], play[3_000:6_000]]).encode())
    (folder / "b.txt").write_bytes("Il était une fois, à l'orée de la forêt, une fée.\n".encode("cp1252") * 20)
    (folder / "latest.txt").symlink_to("a.txt")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.4\n")
    monkeypatch.chdir(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, " ".join(captured.err.split())


def test_a_run_is_known_by_its_files(copied: Run) -> None:
    assert is_run(copied.path)
    for path in [path for path in copied.path.rglob("*") if path.is_dir()]:
        assert enclosing_run(path) == copied.path
        assert not is_run(path)


def test_a_dry_run_says_it(
    project: Path, copied: Run, tiny: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [f"--{name}={value}" for name, value in tiny.items()]
    code, out, _ = said(capsys, "train", ".", "--encoding", "cp1252", "--dry-run", "--steps", "3", *settings)
    assert code == 0
    assert "7,013 characters" in out  # of both files, with a separator
    assert SKIPPED in out
    split = ("--documents", f"separator:{END}")
    code, out, _ = said(capsys, "train", ".", "--encoding", "cp1252", "--dry-run", "--steps", "3", *split, *settings)
    assert code == 0
    assert "7,000 characters" in out
    assert "3 documents" in out


def test_an_evaluation_says_it(project: Path, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(
        capsys, "evaluate", copied.name, ".", "--runs", ".", "--encoding", "cp1252", "--no-baselines"
    )
    assert code == 0
    assert "7,013 characters" in out
    assert SKIPPED in err
    code, out, err = said(capsys, "evaluate", copied.name, "--runs", ".", "--documents", "file")
    assert (code, out) == (2, "")
    assert "--documents goes with a TEXT alone" in err


def test_an_encoding_that_is_missing_is_named_once_and_suffices(
    project: Path, copied: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["train", "."], ["evaluate", copied.name, ".", "--runs", "."], ["reproduce", "--text", "."]):
        code, out, err = said(capsys, *command)
        assert (code, out) == (2, "")
        assert err.startswith("octavo: b.txt: byte 3 (0xe9) is not UTF-8")
        assert err.endswith("pass --encoding cp1252")


def test_a_marker_is_said_with_the_option_here_and_with_the_argument_in_python(
    project: Path,
    copied: Run,
    tiny: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("octavo.pipeline.train._create", stopped)
    text = (project / "a.txt").read_bytes()
    (project / "stories.txt").write_bytes(END.encode().join(text[at : at + 999] for at in range(0, 5000, 999)))
    settings = ["--steps", "1", *(f"--set={name}={value}" for name, value in tiny.items())]
    option, argument = f"--documents 'separator:{END}'", f" documents='separator:{END}'"
    for command, code in (
        (["train", "stories.txt", "--dry-run", *settings], 0),
        (["train", "stories.txt", *settings], 130),
        (["train", "stories.txt", "--quiet", *settings], 130),
        (["evaluate", copied.name, "stories.txt", "--runs", ".", "--no-baselines"], 0),
    ):
        found = said(capfd, *command)
        assert (found[0], "".join(found[1:]).count(option)) == (code, 1)
        assert argument not in "".join(found[1:])
    with pytest.raises(KeyboardInterrupt):
        train("stories.txt", steps=1, overrides=tiny)
    assert capfd.readouterr().err.count(argument) == 1


def test_documents_that_cannot_be_are_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for unit in ("stories", "separator:", "lines:2", "jsonl", END):
        code, _, err = said(capsys, "train", "a.txt", "--documents", unit)
        assert code == 2
        assert "separator:TEXT" in err


def test_lines_are_documents_of_a_dry_run_and_of_an_evaluation(
    project: Path, copied: Run, tiny: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "names.txt").write_bytes("".join(f"name{number:03}\n" for number in range(400)).encode())
    settings = ["--steps=3", *(f"--set={name}={value}" for name, value in tiny.items())]
    code, out, _ = said(capsys, "train", "names.txt", "--dry-run", *settings)
    assert code == 0
    assert "give --documents lines" in out
    code, out, _ = said(capsys, "train", "names.txt", "--documents", "lines", "--dry-run", *settings)
    assert code == 0
    assert "400 documents" in out
    unit = ("--documents", "lines", "--no-baselines")
    code, out, err = said(capsys, "evaluate", copied.name, "names.txt", "--runs", ".", *unit)
    assert code == 0
    assert "2,800 characters" in out
    assert "400 documents" in err
    code, _, err = said(capsys, "evaluate", copied.name, "names.txt", "--runs", ".", "--documents", "jsonl:text")
    assert code == 2
    assert "names.txt, line 1" in err


def test_provenance_keeps_it(project: Path) -> None:
    facts = text_facts(read_corpus(["."], encoding="cp1252", documents=f"separator:{END}", runs="elsewhere"))
    assert (facts["encoding"], facts["encodings"]) == ("cp1252", {"utf-8": 2, "cp1252": 1})
    assert (facts["documents"], facts["document_unit"]) == (3, f"separator:{END}")
    assert facts["first_documents"] == ["a.txt #1", "a.txt #2", "b.txt #1"]
    assert facts["skipped"][:2] == ["latest.txt", "paper.pdf"]
    assert facts["skipped_count"] == len(facts["skipped"]) == len(facts["skipped_reasons"])
    assert "pdftotext" in facts["skipped_reasons"][1]


def test_provenance_stays_short(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    for number in range(300):
        (tmp_path / f"{number:03}.bin").write_bytes(b"\0")
    corpus = read_corpus([tmp_path])
    facts = text_facts(corpus)
    assert facts["skipped_count"] == len(facts["skipped"]) == len(facts["skipped_reasons"]) == 300
    endless = replace(corpus, skipped=(Skipped("é" * 200, "empty"),) * 20_000)
    facts = text_facts(endless)
    assert facts["skipped_count"] == 20_000
    assert len(facts["skipped"]) == len(facts["skipped_reasons"])
    assert len(facts["skipped"]) > 200
    assert len(json.dumps(facts)) < MAX_TEXT_BYTES
