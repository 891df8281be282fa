"""Sources become a corpus with exactly the text in them, or one sentence says why not."""

import hashlib
import io
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus import Corpus, Document, read_corpus
from octavo.errors import OctavoError


def write(path: Path, content: str | bytes = "text\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def names(root: Path, documents: tuple[Document, ...]) -> list[str]:
    return [Path(document.name).relative_to(root).as_posix() for document in documents]


@given(text=st.text(min_size=1).filter(lambda text: not text.startswith("\ufeff")))
def test_what_was_written_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.getbasetemp() / "round-trip.txt", text)
    assert read_corpus([path]).documents == (Document(str(path), text),)
    assert read_corpus(["-"], stdin=io.BytesIO(text.encode("utf-8"))).documents == (Document("stdin", text),)


def test_files_keep_their_order_and_the_first_gives_the_name(tmp_path: Path) -> None:
    second, first = write(tmp_path / "b.txt", "B\r\n"), write(tmp_path / "a.txt", "\ufeffA")
    corpus = read_corpus([second, str(first)])
    assert corpus.name == "b"
    assert corpus.documents == (Document(str(second), "B\r\n"), Document(str(first), "A"))


def test_a_lone_path_is_one_source(tmp_path: Path) -> None:
    assert read_corpus(str(write(tmp_path / "hamlet.txt", "Words"))).documents[0].text == "Words"


def test_no_source_is_tiny_shakespeare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path))
    corpus = read_corpus([])
    assert corpus.name == "shakespeare"
    assert (corpus.characters, corpus.bytes) == (1_115_394, 1_115_394)
    digest = hashlib.sha256(str(corpus.documents[0].text).encode()).hexdigest()
    assert digest == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def test_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "naïve".encode("cp1252"))
    assert read_corpus([path], encoding="cp1252").documents[0].text == "naïve"
    with pytest.raises(OctavoError, match=r"a\.txt: byte 2 \(0xef\) is not UTF-8; it looks like cp1252"):
        read_corpus([path])
    with pytest.raises(OctavoError, match="'klingon' is not a text encoding"):
        read_corpus([path], encoding="klingon")


def test_it_says_what_was_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "naïve".encode("cp1252"))
    corpus = read_corpus([path, "-"], encoding="cp1252", stdin=io.BytesIO(b"more"))
    assert (corpus.sources, corpus.encoding) == ((str(path), "-"), "cp1252")
    assert Corpus.from_text("in memory").sources == ()


class TestDirectory:
    def test_is_read_in_the_order_of_the_names_without_hidden_and_binary_files(self, tmp_path: Path) -> None:
        root = tmp_path / "my texts"
        for name in ["b.txt", "a/z.md", "a/b/c", "B.csv", "a.txt", ".hidden", ".git/config", "a/.x/y.txt"]:
            write(root / name, name)
        write(root / "image.png", b"\x89PNG\0")
        write(root / "late-nul.txt", b"x" * 8192 + b"\0")
        write(root / "empty.txt", b"")
        write(root / "only-a-mark.txt", b"\xef\xbb\xbf")
        corpus = read_corpus([root])
        assert corpus.name == "my-texts"
        assert names(root, corpus.documents) == [*("B.csv", "a/b/c", "a/z.md", "a.txt", "b.txt", "late-nul.txt")]
        assert [document.text for document in corpus.documents[:2]] == ["B.csv", "a/b/c"]
        skipped = [Path(name).name for name in corpus.skipped]
        assert skipped == ["empty.txt", "image.png", "only-a-mark.txt"]

    def test_links_to_directories_and_special_files_are_passed_over(self, tmp_path: Path) -> None:
        root = tmp_path / "texts"
        write(root / "a.txt")
        (root / "loop").symlink_to(root)
        (root / "nowhere").symlink_to(tmp_path / "missing")
        os.mkfifo(root / "pipe")
        corpus = read_corpus([root])
        assert names(root, corpus.documents) == ["a.txt"]
        assert [Path(name).name for name in corpus.skipped] == ["loop", "nowhere", "pipe"]

    def test_utf16_texts_are_not_taken_for_binary(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "naïve".encode("utf-16"))
        assert read_corpus([tmp_path], encoding="utf-16").documents[0].text == "naïve"

    def test_the_working_directory_has_a_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "poems" / "a.txt")
        monkeypatch.chdir(tmp_path / "poems")
        corpus = read_corpus(["."])
        assert corpus.name == "poems"
        assert corpus.documents[0].name == "a.txt"

    def test_without_text_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / ".hidden")
        write(tmp_path / "binary", b"\0")
        write(tmp_path / "empty", b"")
        with pytest.raises(OctavoError, match="holds no text file"):
            read_corpus([tmp_path])

    def test_a_file_that_does_not_decode_is_named(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt")
        write(tmp_path / "sub" / "b.txt", "déjà vu".encode("cp1252"))
        with pytest.raises(OctavoError, match=r"sub.b\.txt: byte 1 \(0xe9\) is not UTF-8"):
            read_corpus([tmp_path])

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt")
        (tmp_path / "itself").symlink_to(tmp_path / "itself")  # permissions would not stop the superuser
        with pytest.raises(OctavoError, match=r"itself cannot be read \("):
            read_corpus([tmp_path])


class TestStandardInput:
    def test_of_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\r\n\xc3\xa9")))
        corpus = read_corpus(["-"])
        assert corpus.name == "stdin"
        assert corpus.documents == (Document("stdin", "a\r\né"),)

    def test_closed_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", None)
        with pytest.raises(OctavoError, match="standard input is closed"):
            read_corpus(["-"])

    def test_empty_is_refused(self) -> None:
        with pytest.raises(OctavoError, match="stdin is empty"):
            read_corpus(["-"], stdin=io.BytesIO())

    def test_a_directory_as_standard_input_is_refused(self, tmp_path: Path) -> None:
        class Directory(io.RawIOBase):
            def read(self, size: int = -1, /) -> bytes:
                return os.read(descriptor, 1)

        descriptor = os.open(tmp_path, os.O_RDONLY)
        stdin: Any = Directory()  # reads as a raw descriptor does
        with pytest.raises(OctavoError, match=r"standard input cannot be read \(Is a directory\)"):
            read_corpus(["-"], stdin=stdin)
        os.close(descriptor)


def test_a_named_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[b"through the pipe"], daemon=True)
    writer.start()
    assert read_corpus([tmp_path / "pipe"]).documents[0].text == "through the pipe"
    writer.join()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(OctavoError, match=f"{device} is a device or a socket"):
        read_corpus([device])


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        with pytest.raises(OctavoError, match="s is a device or a socket"):
            read_corpus(["s"])


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"], ids=["empty", "only a mark"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "a.txt")
    with pytest.raises(OctavoError, match=r"empty\.txt is empty"):
        read_corpus([tmp_path / "a.txt", write(tmp_path / "empty.txt", content)])


def test_a_text_given_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "texts" / "a.txt")
    with pytest.raises(OctavoError, match=r"a\.txt is given twice: name each text once"):
        read_corpus([path, path])
    with pytest.raises(OctavoError, match=r"a\.txt is given twice"):
        read_corpus([tmp_path / "texts", path])
    (tmp_path / "link.txt").symlink_to(path)
    with pytest.raises(OctavoError, match=r"a\.txt and .*link\.txt are one file, given twice"):
        read_corpus([path, tmp_path / "link.txt"])
    with pytest.raises(OctavoError, match="standard input is given twice"):
        read_corpus(["-", "-"], stdin=io.BytesIO(b"x"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "missing.txt",
            r"^there is no file or directory missing\.txt: check the path, or give - and pipe the words in$",
        ),
        ("", "a source is the empty string"),
        ("nul\0.txt", "cannot be a path"),
        ("lone\ud800.txt", r"lone\?\.txt' cannot be a path"),
        ("x" * 5000, r"cannot be read \(File name too long\)"),
    ],
)
def test_what_is_no_path_to_anything_is_refused(source: str, message: str) -> None:
    with pytest.raises(OctavoError, match=message):
        read_corpus([source])
    with pytest.raises(OctavoError, match=message):
        read_corpus([source, "-"], stdin=io.BytesIO(b"x"))


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"cannot be read \(Not a directory\)"):
        read_corpus([write(tmp_path / "a.txt") / "b.txt"])


def test_file_names_that_are_not_text_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"caf\xe9.txt"), "text")
    corpus = read_corpus([tmp_path / os.fsdecode(b"caf\xe9.txt")])
    assert corpus.name == "caf"
    assert corpus.documents[0].name == str(tmp_path / "caf?.txt")
