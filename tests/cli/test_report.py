"""octavo report and octavo compare."""

import os
import shutil
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run
from octavo.reports.html import Page


class TestReport:
    def test_the_page_is_in_the_run_and_its_path_is_told(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["report", copied.name, "--runs", str(copied.path.parent)]) == 0
        said = capsys.readouterr()
        assert said.out == f"{copied.path / 'report.html'}\n"
        assert "every head" in said.err
        assert (copied.path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")

    def test_as_markdown_into_a_folder_of_ones_own(
        self, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: dict[str, object] = {}

        def save(run: Run, output: Path, *, markdown: bool, model: bool, **callbacks: object) -> Path:
            asked.update(run=run.name, output=output, markdown=markdown, model=model)
            return output / "report.md"

        monkeypatch.setattr("octavo.reports.report.save_report", save)
        assert main(["report", str(trained.path), "--format", "md", "--output", str(tmp_path / "b")]) == 0
        assert asked == {"run": "play", "output": tmp_path / "b", "markdown": True, "model": True}
        assert capsys.readouterr().out == f"{tmp_path / 'b' / 'report.md'}\n"

    def test_what_cannot_be(self, tmp_path: Path, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", "nothing", "--runs", str(tmp_path)]) == 2
        assert "there is no run nothing" in capsys.readouterr().err
        assert main(["report", str(trained.path), "--format", "pdf"]) == 2
        assert main(["report", str(trained.path), "--format", "md", "--no-model"]) == 2
        assert "leave it out" in capsys.readouterr().err

    @pytest.mark.parametrize(("form", "there"), [("html", "folder"), ("md", "file"), ("html", "file/page.html")])
    def test_an_output_that_cannot_be_is_refused_before_the_work(
        self,
        trained: Run,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        form: str,
        there: str,
    ) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").touch()
        monkeypatch.setattr("octavo.reports.report.sections", None)
        assert main(["report", str(trained.path), "--format", form, "--output", str(tmp_path / there)]) == 2
        said = capsys.readouterr().err
        assert "is a folder: name a file" in said if there == "folder" else "is a file: name a folder" in said
        assert f"{tmp_path}/." not in said, "no temporary file's name"


class TestCompare:
    def test_the_page_lies_beside_the_runs(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        root = copied.path.parent
        shutil.copytree(copied.path, root / "other")
        assert main(["compare", "play", "other", "--runs", str(root)]) == 0
        assert capsys.readouterr().out == f"{root / 'compare.html'}\n"
        assert main(["compare", "play", "other", "--runs", str(root), "--output", str(root / "x" / "y.html")]) == 0
        assert (root / "x" / "y.html").exists()

    def test_named_by_folders_it_lies_beside_them_too(
        self, copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = copied.path.parent / "some"
        shutil.copytree(copied.path, root / "one")
        shutil.copytree(copied.path, root / "more" / "two")
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        monkeypatch.setattr("octavo.reports.compare.compare", lambda runs: Page("Two", "<!doctype html>"))
        monkeypatch.delenv("OCTAVO_RUNS", raising=False)
        folders = [os.path.relpath(root / name) for name in ("one", "more/two")]
        assert main(["compare", *folders]) == 0
        assert capsys.readouterr().out == f"{root / 'compare.html'}\n"
        assert (root / "compare.html").is_file()
        assert list(Path().iterdir()) == []

    def test_a_folder_is_no_page(
        self, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.reports.compare.compare", None)
        assert main(["compare", str(trained.path), str(trained.path), "--output", str(tmp_path)]) == 2
        assert f"{tmp_path} is a folder: name a file" in capsys.readouterr().err

    @pytest.mark.parametrize(("names", "says"), [(["play"], "at least two runs"), (["play", "play"], "given twice")])
    def test_it_takes_several_runs(
        self, trained: Run, capsys: pytest.CaptureFixture[str], names: list[str], says: str
    ) -> None:
        assert main(["compare", *names, "--runs", str(trained.path.parent)]) == 2
        assert says in capsys.readouterr().err
