"""Sources become a corpus with exactly the text in them, or one sentence says why not."""

import hashlib
import io
import os
import random
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


def left_out(corpus: Corpus) -> list[str]:
    return [Path(name).name for name, reason in corpus.skipped if reason]


def names(root: Path, documents: tuple[Document, ...]) -> list[str]:
    return [Path(document.name).relative_to(root).as_posix() for document in documents]


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_what_was_written_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.getbasetemp() / "round-trip.txt", text)
    if text.startswith("\ufeff"):
        return
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
        assert left_out(corpus) == ["empty.txt", "image.png", "only-a-mark.txt"]

    def test_links_to_directories_and_special_files_are_passed_over(self, tmp_path: Path) -> None:
        root = tmp_path / "texts"
        write(root / "a.txt")
        (root / "loop").symlink_to(root)
        (root / "nowhere").symlink_to(tmp_path / "missing")
        os.mkfifo(root / "pipe")
        corpus = read_corpus([root])
        assert names(root, corpus.documents) == ["a.txt"]
        assert left_out(corpus) == ["loop", "nowhere", "pipe"]

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
    write(path.with_name("b.txt"))
    for sources in ([path, path.parent, path], [path.parent, path, path]):
        with pytest.raises(OctavoError, match=r"a\.txt is given twice"):
            read_corpus(sources)
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
            r"^there is no file or directory missing\.txt: .*",
        ),
        ("", "a source is the empty string"),
        ("nul\0.txt", "cannot be a path"),
        ("lone\ud800.txt", r"lone\?\.txt' cannot be a path"),
        ("x" * 300, r"^'x{40}'… is a text, not the path of one"),
        ("and/or " * 150, r"^'(and/or )+.*'… is a text, not the path of one"),
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


class TestNamesOfTheSameFile:
    def test_links_to_a_file_of_the_directory_are_left_out_and_said(self, tmp_path: Path) -> None:
        write(tmp_path / "2026-11.txt", "The text of November")
        (tmp_path / "latest.txt").symlink_to("2026-11.txt")
        (tmp_path / "a-first.txt").symlink_to("2026-11.txt")  # before it in order: the file itself is read
        os.link(tmp_path / "2026-11.txt", tmp_path / "hard.txt")
        corpus = read_corpus([tmp_path])
        assert names(tmp_path, corpus.documents) == ["2026-11.txt"]
        assert left_out(corpus) == ["a-first.txt", "hard.txt", "latest.txt"]
        assert {reason for _, reason in corpus.skipped} == {f"the same file as {tmp_path / '2026-11.txt'}"}
        assert corpus.characters == len("The text of November")

    def test_a_link_out_of_the_directory_is_read_once(self, tmp_path: Path) -> None:
        write(tmp_path / "books" / "hamlet.txt", "To be")
        write(tmp_path / "texts" / "b.txt", "b")
        for name in ("a.txt", "c.txt"):
            (tmp_path / "texts" / name).symlink_to(tmp_path / "books" / "hamlet.txt")
        corpus = read_corpus([tmp_path / "texts"])
        assert [document.text for document in corpus.documents] == ["To be", "b"]
        assert left_out(corpus) == ["c.txt"]

    def test_a_link_in_circles_is_left_out(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt")
        (tmp_path / "itself").symlink_to(tmp_path / "itself")
        assert left_out(read_corpus([tmp_path])) == ["itself"]

    @pytest.mark.parametrize("before", [True, False])
    def test_a_file_that_is_given_by_itself_is_left_out_of_its_directory(self, tmp_path: Path, before: bool) -> None:
        write(tmp_path / "texts" / "a.txt", "a")
        other = write(tmp_path / "texts" / "b.txt", "b")
        (tmp_path / "texts" / "link.txt").symlink_to(other)
        sources = [other, tmp_path / "texts"] if before else [tmp_path / "texts", other]
        corpus = read_corpus(sources)
        assert [document.text for document in corpus.documents] == (["b", "a"] if before else ["a", "b"])
        assert left_out(corpus) == ["b.txt", "link.txt"]
        assert {reason for _, reason in corpus.skipped} == {"given by itself too"}

    @pytest.mark.parametrize("before", [True, False])
    def test_a_directory_with_nothing_else_is_refused(self, tmp_path: Path, before: bool) -> None:
        path = write(tmp_path / "texts" / "a.txt", "a")
        with pytest.raises(OctavoError, match=r"holds no text file to read.*a\.txt: given by itself too"):
            read_corpus([path, path.parent] if before else [path.parent, path])

    def test_a_directory_given_twice_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "sub" / "a.txt", "a")
        with pytest.raises(OctavoError, match="is given twice"):
            read_corpus([tmp_path, tmp_path])
        with pytest.raises(OctavoError, match=r"holds no text file to read.*the same file as"):
            read_corpus([tmp_path, tmp_path / "sub"])

    def test_a_copy_is_read_and_said(self, tmp_path: Path) -> None:
        for name, text in (("a.txt", "The text"), ("b.txt", "Another."), ("copy.txt", "The text")):
            write(tmp_path / name, text)
        corpus = read_corpus([tmp_path])
        assert len(corpus.documents) == 3
        (note,) = corpus.notes()
        assert "1 document of 3 repeats" in note
        assert f"{tmp_path / 'copy.txt'}, which repeats {tmp_path / 'a.txt'}" in note


class TestEncodingsOfADirectory:
    """What is in another encoding never spoils what is not."""

    SENTENCE = "It was a café near the naïve façade — ten o'clock.\n" * 20

    def test_each_file_has_its_own(self, tmp_path: Path) -> None:
        encodings = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-32")
        for number, encoding in enumerate(encodings):
            write(tmp_path / f"{number}.txt", (f"{number} " + self.SENTENCE).encode(encoding))
        with pytest.raises(OctavoError, match=r"2\.txt: byte 14 \(0xe9\).*pass encoding=cp1252$"):
            read_corpus([tmp_path])
        corpus = read_corpus([tmp_path], encoding="cp1252")
        assert [document.text for document in corpus.documents] == [f"{n} {self.SENTENCE}" for n in range(5)]
        assert corpus.encodings == {"utf-8": 2, "cp1252": 1, "utf-16": 1, "utf-32": 1}
        assert corpus.skipped == ()

    def test_the_advice_reads_everything(self, tmp_path: Path) -> None:
        russian = "Привет, мир, как твои дела сегодня? Всё хорошо.\n" * 20
        for number in range(30):
            write(tmp_path / f"{number:02}.txt", (f"{number} " + russian).encode("koi8-r"))
        write(tmp_path / "other.txt", self.SENTENCE)
        with pytest.raises(OctavoError, match=r"^30 files .*00\.txt .* and 27 more.*pass encoding=koi8_r$") as caught:
            read_corpus([tmp_path])
        assert len(str(caught.value)) < 400 + 3 * len(str(tmp_path))
        assert len(read_corpus([tmp_path], encoding="koi8_r").documents) == 31

    @pytest.mark.parametrize("seed", range(10))
    def test_who_follows_the_advice_is_not_advised_again(self, tmp_path: Path, seed: int) -> None:
        drawn = random.Random(seed)
        encodings = ["utf-8", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"]
        for number in range(3):
            text = f"{number} Les élèves étaient fatigués après le déjeuner, à l'école.\n" * 9
            write(tmp_path / f"{number}.txt", text.encode(drawn.choice(encodings)))
        try:
            corpus = read_corpus([tmp_path], encoding=drawn.choice(encodings))
        except OctavoError as refusal:
            advice = str(refusal).partition("pass encoding=")[2]
            if not advice:
                assert "convert it to UTF-8" in str(refusal)  # noqa: PT017 # of two encodings one must go
                return
            corpus = read_corpus([tmp_path], encoding=advice)
        assert [str(document.text)[:13] for document in corpus.documents] == [f"{n} Les élèves " for n in range(3)]

    @pytest.mark.parametrize("given_encoding", ["utf-8", "cp1252", "utf-16", "latin-1", "gb18030"])
    def test_no_encoding_is_advised_that_would_spoil_a_file(self, tmp_path: Path, given_encoding: str) -> None:
        write(tmp_path / "a.txt", self.SENTENCE.encode("cp1252"))
        write(tmp_path / "b.txt", self.SENTENCE.encode("utf-16-le"))  # without a mark
        with pytest.raises(OctavoError, match="convert it to UTF-8") as caught:
            read_corpus([tmp_path], encoding=given_encoding)
        assert "encoding=" not in str(caught.value)

    def test_unlike_files_are_named_with_their_reasons(self, tmp_path: Path) -> None:
        write(tmp_path / "cut.txt", self.SENTENCE.encode()[:-7].rstrip() + b"\xc3")
        write(tmp_path / "old.txt", self.SENTENCE.encode("cp1252"))
        with pytest.raises(OctavoError, match=r"cut\.txt \(.*breaks its UTF-8.*old\.txt \(byte 12 .* cp1252"):
            read_corpus([tmp_path])

    def test_what_is_no_text_is_left_out_with_the_reason(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", self.SENTENCE)
        write(tmp_path / "paper.pdf", b"%PDF-1.4\n1 0 obj\n\xe2\xe3\xcf\xd3\n")
        write(tmp_path / "letter.docx", b"PK\x03\x04\x14\x00\x06\x00")
        write(tmp_path / "noise", bytes(range(1, 256)))
        for given_encoding in ("utf-8", "cp1252", "utf-16"):
            corpus = read_corpus([tmp_path], encoding=given_encoding)
            assert names(tmp_path, corpus.documents) == ["a.txt"]
            assert left_out(corpus) == ["letter.docx", "noise", "paper.pdf"]
            assert "pdftotext" in dict(corpus.skipped)[str(tmp_path / "paper.pdf")]
        assert corpus.notes() == ["skipped 3 files: 1 zip archive or office document, 1 binary, 1 PDF"]

    def test_the_notes_stay_few(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt")
        for number in range(2000):
            write(tmp_path / f"{number}.png", b"\0")
        (note,) = read_corpus([tmp_path]).notes()
        assert note == "skipped 2,000 files: 2,000 binary"

    def test_each_reason_is_counted(self, tmp_path: Path) -> None:
        (tmp_path / "up").symlink_to(tmp_path)
        (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
        os.mkfifo(tmp_path / "pipe")
        for name, content in (
            *(("empty.txt", b""), ("nul.bin", b"text\0"), ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
            *(("a.gz", b"\x1f\x8b\x08"), ("z.docx", b"PK\x03\x04\x14\x00\x06\x00"), ("z.pdf", b"%PDF-1.4\n")),
        ):
            write(tmp_path / name, content)
        for number in range(9):
            path = write(tmp_path / f"{number}.txt", f"text {number}")
            (tmp_path / f"link-{number}").symlink_to(path)
        (line,) = read_corpus([tmp_path]).notes()
        assert line.startswith("skipped 18 files: 9 read under another name, 2 links, ")
        for counted in ("1 empty", "1 binary", "1 office document", "1 compressed", "1 PDF", "1 special"):
            assert counted in line.split(", ")


class TestPaths:
    def test_a_tilde_is_the_home_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        write(tmp_path / "home" / "book.txt", "At home")
        for source in ("~/book.txt", Path("~/book.txt"), ["~/book.txt"]):
            corpus = read_corpus(source)
            assert (corpus.name, corpus.documents[0].text) == ("book", "At home")
        assert corpus.sources == ("~/book.txt",)

    def test_unless_there_is_such_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "~" / "book.txt", "Here")
        assert read_corpus("~/book.txt").documents[0].text == "Here"
        with pytest.raises(OctavoError, match=r"there is no file or directory ~nobody-of-that-name/book\.txt"):
            read_corpus("~nobody-of-that-name/book.txt")

    @pytest.mark.parametrize("text", ["Call me Ishmael.\n" * 9_000, "Call me Ishmael. " * 9_000, "To be,\nor not"])
    def test_a_text_in_place_of_a_path_is_shown_in_part(self, text: str) -> None:
        for source in (text, [text]):
            with pytest.raises(OctavoError, match=r"octavo\.Corpus\.from_text") as caught:
                read_corpus(source)
            assert len(str(caught.value)) < 200

    def test_what_is_no_path_at_all_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "Call me\nIshmael")
        with (tmp_path / "a.txt").open() as file:
            for source in (file, b"bytes", 3, [3], [Corpus.from_text("x")]):
                with pytest.raises(OctavoError, match=r"paths, not as \w+: .*octavo\.Corpus\.from_text"):
                    read_corpus(source)  # type: ignore[arg-type]
