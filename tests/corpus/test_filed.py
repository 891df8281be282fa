"""A long text is read from its file piece by piece, and is the text that reading the whole file gives."""

import codecs
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.corpus import Corpus, FiledText, read_corpus, split
from octavo.corpus import filed as module
from octavo.corpus.decoding import codec_name, decode
from octavo.corpus.filed import filed
from octavo.errors import OctavoError
from octavo.tokenizer import chunks as chunks_module
from octavo.tokenizer.chunks import chunks

ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7", "gb18030")
MARKED = ("utf-16", "utf-32")


@pytest.fixture(scope="module", autouse=True)
def _short() -> Iterator[None]:
    """Everything counts as long, and is read three bytes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE", 3)
        patch.setattr("octavo.corpus.reading.LONG", 1)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("filed") / "text.txt"


def stored(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def left_in_its_file(path: Path, encoding: str = "utf-8") -> FiledText:
    text = filed(path, codec_name(encoding))
    assert text is not None
    return text


@settings(deadline=None, max_examples=300, derandomize=True)
@given(raw=st.binary() | st.text(max_size=20).map(str.encode), encoding=st.sampled_from(ENCODINGS))
def test_any_bytes_are_the_text_that_the_whole_decodes_to_or_left_to_that(
    path: Path, raw: bytes, encoding: str
) -> None:
    found = filed(stored(path, raw), codec_name(encoding))
    try:
        expected = decode(raw, encoding, "bytes")
    except OctavoError:
        assert found is None
    else:
        if found is None:
            assert encoding in MARKED, "without the mark they expect, these are read as a whole"
        else:
            assert (str(found), len(found)) == (expected, len(expected))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(text=st.text(min_size=1), a=st.integers(-30, 30), b=st.integers(-30, 30), c=st.integers(0, 9))
def test_a_slice_of_a_slice_is_that_of_the_text(path: Path, text: str, a: int, b: int, c: int) -> None:
    whole = left_in_its_file(stored(path, text.encode("utf-16")), "utf-16")
    assert str(whole[a:b]) == text[a:b]
    assert str(whole[a:b][c:]) == text[a:b][c:]
    assert len(whole[a:b][c:]) == len(text[a:b][c:])


@settings(deadline=None, max_examples=100, derandomize=True)
@given(text=st.text(st.sampled_from("ab \n\t.🙂"), min_size=1), size=st.integers(2, 20), reach=st.integers(1, 20))
def test_it_is_cut_into_the_same_chunks(path: Path, text: str, size: int, reach: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "_REACH", reach)
        assert list(chunks(left_in_its_file(stored(path, text.encode())), size)) == list(chunks(text, size))


def test_a_corpus_of_it_is_the_same_corpus(path: Path) -> None:
    text = "\r\nGrüße 🙂 \0" * 9
    corpus = read_corpus([stored(path, b"\xef\xbb\xbf" + text.encode())])
    same = Corpus.from_text(text)
    assert isinstance(corpus.documents[0].text, FiledText)
    assert (corpus.characters, corpus.bytes, corpus.sha256) == (same.characters, same.bytes, same.sha256)
    assert [(part.text, part.characters, part.bytes) for part in split(corpus, test=0.3)] == [
        (part.text, part.characters, part.bytes) for part in split(same, test=0.3)
    ]


def test_what_only_the_whole_shows_is_said_as_of_any_file(path: Path) -> None:
    with pytest.raises(OctavoError, match=r"text\.txt: byte 2 \(0xef\) is not UTF-8; it looks like cp1252"):
        read_corpus([stored(path, "naïve".encode("cp1252"))])
    with pytest.raises(OctavoError, match=r"text\.txt: character 4 is a lone surrogate \(U\+D800\)"):
        read_corpus([stored(path, b"abcd+2AA-")], encoding="utf-7")
    with pytest.raises(OctavoError, match=r"text\.txt is empty"):
        read_corpus([stored(path, b"\xef\xbb\xbf")])


class TestAFileThatChanges:
    @pytest.mark.parametrize("change", [b"To be, or not to be, that", b"To b", b"to BE, or not to be"])
    def test_after_it_was_read_is_noticed_when_it_is_read_again(self, path: Path, change: bytes) -> None:
        text = left_in_its_file(stored(path, b"To be, or not to be"))
        path.write_bytes(change)
        os.utime(path, ns=(1, 1))
        with pytest.raises(OctavoError, match="changed while it was read: wait until nothing writes to it"):
            str(text)

    def test_or_is_gone(self, path: Path) -> None:
        text = left_in_its_file(stored(path, b"To be, or not to be"))
        path.unlink()
        with pytest.raises(OctavoError, match=r"cannot be read again \(No such file or directory\): leave it"):
            str(text)

    def test_while_it_is_read_for_the_first_time(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        decoder = codecs.getincrementaldecoder

        def grows(codec: str) -> object:
            with path.open("ab") as file:
                file.write(b" and more")
            return decoder(codec)

        monkeypatch.setattr(codecs, "getincrementaldecoder", grows)
        with pytest.raises(OctavoError, match="changed while it was read"):
            read_corpus([stored(path, b"To be, or not to be")])


def test_a_pipe_is_held_and_so_has_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return b"y\n" * (size // 2)

    monkeypatch.setattr("octavo.corpus.reading.machine_memory", lambda: 8 << 22)
    with pytest.raises(OctavoError, match=r"^standard input gave more than 0\.0 GiB, too much to hold"):
        read_corpus(["-"], stdin=Endless())  # type: ignore[arg-type]  # as a raw descriptor is
