"""The line ends that a run learned."""

from pathlib import Path

import pytest

from octavo.generate.prompts import training_line_end, with_training_line_ends
from octavo.runs import RunDirectory


def run_of(folder: Path, text: str) -> RunDirectory:
    (folder / "data").mkdir()
    (folder / "data" / "train.txt").write_bytes(text.encode())
    return RunDirectory(folder)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("lines", [2, 500_000])
def test_prompts_get_those_of_the_training_text(tmp_path: Path, end: str, lines: int) -> None:
    directory = run_of(tmp_path, f"é line{end}" * lines)
    assert training_line_end(directory) == end
    assert with_training_line_ends(directory, ["a\nb\r\nc\rd\r\n\n", "e"]) == [
        f"a{end}b{end}c{end}d{end}{end}",
        "e",
    ]


def test_a_few_of_another_kind_do_not_count(tmp_path: Path) -> None:
    assert training_line_end(run_of(tmp_path, "a line\r\n" * 30 + "\n")) == "\r\n"


@pytest.mark.parametrize("text", ["a\nb\r\n" * 9, "no line ends here", "a\n" * 200_000 + "b\r\n" * 200_000])
def test_where_no_kind_is_usual_prompts_stay(tmp_path: Path, text: str) -> None:
    directory = run_of(tmp_path, text)
    assert training_line_end(directory) is None
    assert with_training_line_ends(directory, ["a\nb\r\n"]) == ["a\nb\r\n"]


def test_without_the_text_prompts_stay(tmp_path: Path) -> None:
    assert with_training_line_ends(RunDirectory(tmp_path), ["a\r\nb"]) == ["a\r\nb"]
