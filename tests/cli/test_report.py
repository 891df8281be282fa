"""octavo report and octavo compare."""

import shutil
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.run import Run


class TestReport:
    def test_the_page_is_in_the_run_and_its_path_is_told(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["report", copied.name, "--runs", str(copied.path.parent)]) == 0
        said = capsys.readouterr()
        assert said.out == f"{copied.path / 'report.html'}\n"
        assert "measuring every head" in said.err
        assert (copied.path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")

    def test_as_markdown_into_a_folder_of_ones_own(
        self, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: dict[str, object] = {}

        def save(run: Run, output: Path, *, markdown: bool, note: object) -> Path:
            asked.update(run=run.name, output=output, markdown=markdown)
            return output / "report.md"

        monkeypatch.setattr("octavo.reports.report.save_report", save)
        assert main(["report", str(trained.path), "--format", "md", "--output", str(tmp_path / "b")]) == 0
        assert asked == {"run": "play", "output": tmp_path / "b", "markdown": True}
        assert capsys.readouterr().out == f"{tmp_path / 'b' / 'report.md'}\n"

    def test_what_cannot_be(self, tmp_path: Path, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", "nothing", "--runs", str(tmp_path)]) == 2
        assert "there is no run nothing" in capsys.readouterr().err
        assert main(["report", str(trained.path), "--format", "pdf"]) == 2


class TestCompare:
    def test_the_page_lies_beside_the_runs(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        root = copied.path.parent
        shutil.copytree(copied.path, root / "other")
        assert main(["compare", "play", "other", "--runs", str(root)]) == 0
        assert capsys.readouterr().out == f"{root / 'compare.html'}\n"
        assert main(["compare", "play", "other", "--runs", str(root), "--output", str(root / "x" / "y.html")]) == 0
        assert (root / "x" / "y.html").exists()

    @pytest.mark.parametrize(("names", "says"), [(["play"], "two runs at least"), (["play", "play"], "given twice")])
    def test_it_takes_several_runs(
        self, trained: Run, capsys: pytest.CaptureFixture[str], names: list[str], says: str
    ) -> None:
        assert main(["compare", *names, "--runs", str(trained.path.parent)]) == 2
        assert says in capsys.readouterr().err
