"""A file is the old one or the whole new one, whatever goes wrong."""

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from octavo.formats.files import remove_stale_files, sync_folder, temporary_path, user_path, write_atomically


def test_a_tilde_is_the_home_folder_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME" if os.name == "posix" else "USERPROFILE", str(tmp_path / "home"))
    assert user_path("~/a.txt") == user_path(Path("~/a.txt")) == tmp_path / "home" / "a.txt"
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "a.txt").touch()
    (tmp_path / "~draft.txt").touch()
    for name in ("~/a.txt", "~draft.txt", "~nobody-of-that-name/a.txt", "b~.txt", "nul\0.txt"):
        assert user_path(name) == Path(name)
    assert user_path("~/b.txt") == tmp_path / "home" / "b.txt"


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_atomically(path, b"old")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"\0new\r\n")
    assert path.read_bytes() == b"\0new\r\n"
    assert os.listdir(tmp_path) == ["facts.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_others_may_do_with_it_what_the_person_lets_them(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "facts.json", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "facts.json").stat().st_mode) == 0o666 & ~umask


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


@pytest.mark.skipif(sys.platform != "linux", reason="a folder of Linux that cannot be flushed")
def test_a_disk_that_cannot_flush_folders_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = os.open("/proc", os.O_RDONLY)
    with pytest.raises(OSError, match="Invalid argument"):
        os.fsync(handle)
    os.close(handle)
    sync_folder(Path("/proc"))


def test_what_dead_processes_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    old = [temporary_path(tmp_path / name) for name in ("a", "a", "a.b")]
    old[0].mkdir()
    (old[0] / "half").write_text("x")
    for path in old[1:]:
        path.write_text("half")
    others = [tmp_path / name for name in ("a", ".a.template", ".lock", ".a.1234567g", "a.01234567")]
    for path in others:
        path.write_text("whole")
    for path in [*old, *others]:
        os.utime(path, (1000, 1000))
    young = temporary_path(tmp_path / "a")
    young.write_text("half")  # of a process at work
    remove_stale_files(tmp_path, "a")
    assert set(tmp_path.iterdir()) == {old[2], young, *others}
    remove_stale_files(tmp_path)
    assert set(tmp_path.iterdir()) == {young, *others}
