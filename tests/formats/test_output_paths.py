"""Where a page may be written."""

from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.formats.output_paths import common_parent, prepare_folder, prepare_page_path


def test_what_is_missing_is_made(tmp_path: Path) -> None:
    assert prepare_page_path(tmp_path / "a" / "b.html") == tmp_path / "a" / "b.html"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert list((tmp_path / "a").iterdir()) == []
    assert prepare_folder(tmp_path / "c" / "d").is_dir()


def test_a_folder_is_no_page_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OctavoError, match=r"is a folder: name a file, such as .*report\.html$"):
        prepare_page_path(tmp_path)
    with pytest.raises(OctavoError, match=r"file is a file: name a folder$"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(OctavoError, match=r"file is a file: name a folder$"):
        prepare_page_path(tmp_path / "file" / "x" / "page.html")


def test_where_one_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # chmod does not hold root off
    with pytest.raises(OctavoError, match="cannot write into"):
        prepare_page_path(tmp_path / "page.html")


def test_the_folder_that_holds_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert common_parent([Path("runs/a"), Path("runs/b")]) == tmp_path / "runs"
    assert common_parent([Path("../runs/a"), Path("../runs/b")]) == tmp_path.parent / "runs"
    assert common_parent([Path("runs/a"), tmp_path / "more" / "b"]) == tmp_path
    assert common_parent([Path(), Path("../b")]) == tmp_path.parent
