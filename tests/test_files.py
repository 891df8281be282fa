"""A file is the old one or the whole new one, whatever goes wrong."""

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from octavo.files import sync_folder, write_atomically


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_atomically(path, b"old")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"\0new\r\n")
    assert path.read_bytes() == b"\0new\r\n"
    assert os.listdir(tmp_path) == ["facts.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")
def test_others_may_read_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "facts.json", b"")
    assert stat.S_IMODE((tmp_path / "facts.json").stat().st_mode) == 0o644


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_atomically(path, b"old")
    no_bytes: Any = "words"
    with pytest.raises(TypeError):
        write_atomically(path, no_bytes)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["facts.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    import resource  # not on Windows

    path = tmp_path / "facts.json"
    write_atomically(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(OSError, match=r"too large; it needs 2,097,152 bytes: '.*facts\.json'"):
            write_atomically(path, b"x" * (1 << 21))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["facts.json"]


def test_a_failure_to_rename_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"new")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "facts.json", b"new")
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "nowhere")
    sync_folder(tmp_path)
