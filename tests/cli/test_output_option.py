"""The folder that files are put into."""

import argparse
from pathlib import Path

import pytest

from octavo.cli.output_option import add_output_option, output_folder
from octavo.cli.parser import Parser
from octavo.run import Run


def parsed(*arguments: str | Path) -> argparse.Namespace:
    parser = Parser()
    add_output_option(parser)
    return parser.parse_args([*map(str, arguments)])


def test_it_is_in_the_run_or_where_it_was_asked_for(copied: Run, tmp_path: Path) -> None:
    assert output_folder(parsed(), copied.directory) == copied.path / "look"
    assert output_folder(parsed("--output", tmp_path / "a" / "b"), copied.directory) == tmp_path / "a" / "b"
    assert (copied.path / "look").is_dir()
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_is_no_folder(copied: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        output_folder(parsed("--output", tmp_path / "file"), copied.directory)
