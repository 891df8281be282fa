"""What Octavo wrote is never read as a text, wherever it lies."""

import os
from pathlib import Path

import pytest

from octavo.corpus import Corpus, read_corpus
from octavo.errors import OctavoError
from octavo.experiments import read_spec
from octavo.pipeline.plan import as_corpus
from octavo.reports.figures.files import save_figure
from octavo.reports.html import make_page

OF_A_RUN = (
    *("config.toml", "provenance.json", "metrics.jsonl", "samples.txt", "data/parts.json", "data/train.txt"),
    *("checkpoints/step-00000005/state.json", "curves/curves.html"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a text and, below it, what is left of a run in the usual place; it is the working directory."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "book.txt").write_bytes(b"To be, or not to be.\n")
    for name in OF_A_RUN:
        path = tmp_path / "project" / "runs" / "one" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of a run\n")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("OCTAVO_RUNS", raising=False)
    return tmp_path / "project"


def texts(corpus: Corpus) -> list[str]:
    return [document.name for document in corpus.documents]


def left_out(corpus: Corpus) -> list[str]:
    return [name for name, reason in corpus.skipped if reason]


def test_the_folder_of_the_runs_is_left_out(project: Path) -> None:
    (project / "runs" / "compare.html").write_bytes(b"<p>Something that is in the folder of the runs</p>")
    (project / "runs" / "broken").mkdir()
    (project / "runs" / "broken" / "config.toml").write_bytes(b"[model]\n")
    corpus = read_corpus(["."])
    assert texts(corpus) == ["book.txt"]
    assert left_out(corpus) == ["runs"]
    assert "1 folder of runs" in "\n".join(corpus.notes())


def test_wherever_it_is_said_to_be(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "runs").rename(project / "work")
    (project / "work" / "notes.txt").write_bytes(b"of the runs")
    assert left_out(read_corpus([project], runs=project / "work")) == [str(project / "work")]
    (tmp_path / "link").symlink_to(project / "work")
    assert left_out(read_corpus(["."], runs=tmp_path / "link")) == ["work"]
    monkeypatch.setenv("OCTAVO_RUNS", "./work")
    assert left_out(read_corpus([project])) == [str(project / "work")]


@pytest.mark.parametrize("lost", ["", "config.toml", "provenance.json", "data/parts.json", "metrics.jsonl"])
def test_a_run_is_left_out_wherever_it_lies(project: Path, lost: str) -> None:
    """Also if it is not of this project, is not finished or is damaged."""
    (project / "old" / "deep").mkdir(parents=True)
    (project / "runs" / "one").rename(project / "old" / "deep" / "run")
    (project / "runs").rmdir()
    if lost:
        (project / "old" / "deep" / "run" / lost).unlink()
    corpus = read_corpus(["."])
    assert texts(corpus) == ["book.txt"]
    assert left_out(corpus) == ["old/deep/run"]


def test_a_folder_that_only_has_names_of_a_run_is_read(project: Path) -> None:
    (project / "site").mkdir()
    (project / "site" / "config.toml").write_bytes(b"title = 'A site'\n")
    (project / "site" / "metrics.jsonl").write_bytes(b"{}\n")
    (project / "site" / "experiment.json").write_bytes(b"{}\n")
    assert texts(read_corpus(["."])) == [
        "book.txt",
        "site/config.toml",
        "site/experiment.json",
        "site/metrics.jsonl",
    ]


def test_runs_are_left_out_of_the_folder_of_the_runs_itself(project: Path) -> None:
    with pytest.raises(OctavoError, match=r"^runs holds no text file to read.*runs/one: a run of Octavo"):
        read_corpus(["runs"])
    (project / "runs" / "book.txt").write_bytes(b"A text that lies there")
    assert texts(read_corpus(["runs"])) == ["runs/book.txt"]
    assert left_out(read_corpus(["."], runs=".")) == ["runs/one"]


@pytest.mark.parametrize("inside", ["", "data", "checkpoints", "curves"])
def test_a_run_given_as_a_text_is_refused_and_its_text_named(project: Path, inside: str) -> None:
    with pytest.raises(OctavoError, match="is a run of Octavo") as caught:
        read_corpus([Path("runs") / "one" / inside])
    assert str(Path("runs", "one", "data", "train.txt")) in str(caught.value)
    read_corpus(["runs/one/data/train.txt"])  # a file that is named is read


def test_links_into_a_run_are_left_out(project: Path) -> None:
    (project / "latest").symlink_to(project / "runs" / "one")
    (project / "samples.txt").symlink_to(project / "runs" / "one" / "samples.txt")
    corpus = read_corpus(["."])
    assert texts(corpus) == ["book.txt"]
    assert left_out(corpus) == ["latest", "runs", "samples.txt"]
    with pytest.raises(OctavoError, match="is a run of Octavo"):
        read_corpus(["latest"])


def test_an_experiment_is_left_out(project: Path) -> None:
    (project / "decay").mkdir()
    for name in ("experiment.json", "table.md", "figure.svg"):
        (project / "decay" / name).write_bytes(b"of an experiment")
    os.rename("runs/one", "decay/base-seed1")
    corpus = read_corpus(["."], runs="elsewhere")
    assert texts(corpus) == ["book.txt"]
    assert left_out(corpus) == ["decay"]
    with pytest.raises(OctavoError, match="decay is an experiment of Octavo"):
        read_corpus(["decay"])


def test_pages_pictures_and_tables_are_left_out_of_a_folder(project: Path) -> None:
    from matplotlib.figure import Figure

    make_page("Runs compared", []).save(project / "compare.html")
    save_figure(Figure(), project / "heads", ("svg",))
    for name in ("bench.json", "bench.png", "measured/bench.json", "page/report.md", "page/curves.png"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(b"{}")
    (project / "page.html").write_bytes(b"<!doctype html>\n<html lang='en'><p>Somebody's page</p></html>")
    (project / "drawing.svg").write_bytes(b"<?xml version='1.0'?><svg><title>Octavo</title></svg>")
    corpus = read_corpus(["."])
    assert texts(corpus) == [
        *("bench.png", "book.txt", "drawing.svg", "measured/bench.json", "page/curves.png", "page.html"),
    ]
    assert left_out(corpus) == ["bench.json", "compare.html", "heads.svg", "page/report.md", "runs"]
    assert len(read_corpus(["compare.html"]).documents) == 1  # a file that is named is read


def test_paths_of_plans_and_experiments_are_read_alike(project: Path) -> None:
    spec = read_spec({"text": str(project), "seeds": [1], "steps": 1, "variants": {"a": {}}})
    for corpus in (as_corpus("."), read_corpus(spec.text, encoding=spec.encoding)):
        assert corpus.characters == len("To be, or not to be.\n")
        assert [Path(name).name for name, _ in corpus.skipped] == ["runs"]
