"""A long text is read from its file piece by piece, and is the text that reading the whole file gives."""

import codecs
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.corpus import Corpus, Document, LazyText, read_corpus, split
from octavo.corpus import lazy_text as module
from octavo.corpus.decoding import codec_name, find_codec, in_memory
from octavo.corpus.encoding_advice import decode_text
from octavo.corpus.lazy_text import open_lazy
from octavo.corpus.segmentation import Separator, parse_document_unit, split_documents
from octavo.errors import OctavoError
from octavo.tokenizer import chunking as chunks_module
from octavo.tokenizer.chunking import chunks

ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7", "gb18030")


@pytest.fixture(scope="module", autouse=True)
def _short() -> Iterator[None]:
    """Everything counts as long, and is read three bytes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_BYTES", 3)
        patch.setattr("octavo.corpus.segmentation._CHUNK_BYTES", 3)
        patch.setattr("octavo.corpus.segmentation._SHORT_BYTES", -1)
        patch.setattr("octavo.corpus.reading.MIN_LAZY_BYTES", 1)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("filed") / "text.txt"


def stored(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def left_in_its_file(path: Path, encoding: str = "utf-8") -> LazyText:
    return open_lazy(path, codec_name(encoding))


@settings(deadline=None, max_examples=300, derandomize=True)
@given(raw=st.binary() | st.text(max_size=20).map(str.encode), encoding=st.sampled_from(ENCODINGS))
def test_any_bytes_are_the_text_that_the_whole_decodes_to_or_refused_alike(
    path: Path, raw: bytes, encoding: str
) -> None:
    stored(path, raw)
    try:
        expected = decode_text(raw, encoding, "bytes")
        assert expected
        Document("bytes", expected)
    except (OctavoError, AssertionError):
        with pytest.raises(OctavoError):
            read_corpus([path], encoding=encoding)
    else:
        (document,) = read_corpus([path], encoding=encoding).documents
        assert isinstance(document.text, LazyText)
        assert (str(document.text), len(document.text)) == (expected, len(expected))
        assert document.encoding == find_codec(in_memory(raw), codec_name(encoding), "bytes")


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
        patch.setattr(chunks_module, "_MAX_SEARCH", reach)
        assert list(chunks(left_in_its_file(stored(path, text.encode())), size)) == list(chunks(text, size))


def test_a_corpus_of_it_is_the_same_corpus(path: Path) -> None:
    text = "\r\nGrüße 🙂 \0" * 9
    corpus = read_corpus([stored(path, b"\xef\xbb\xbf" + text.encode())])
    same = Corpus.from_text(text)
    assert isinstance(corpus.documents[0].text, LazyText)
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


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    text=st.text(st.sampled_from("ab 🙂é\n\r|"), min_size=1),
    separator=st.sampled_from(["|", "ab", "\\n", "\\n\\n", "🙂", "é|"]),
    mark=st.booleans(),
)
def test_documents_of_a_file_are_those_of_its_text(path: Path, text: str, separator: str, mark: bool) -> None:
    stored(path, text.encode("utf-8-sig" if mark else "utf-8"))
    given_unit = f"separator:{separator}"
    try:
        corpus = read_corpus([path], documents=given_unit)
    except OctavoError as refusal:
        assert re.search("only blank documents|does not occur", str(refusal))  # noqa: PT017 # either is right
        return
    assert all(isinstance(document.text, LazyText) for document in corpus.documents)
    separator_of = parse_document_unit(given_unit)
    assert isinstance(separator_of, Separator)
    held = split_documents(Document(str(path), text), separator_of)
    assert [str(document.text) for document in corpus.documents] == [document.text for document in held]
    assert corpus.sha256 == Corpus("c", tuple(held)).sha256
    halves = [document.text[begin:end] for document in corpus.documents for begin, end in ((0, 1), (1, None))]
    assert "".join(map(str, halves)) == "".join(str(document.text) for document in held)


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

    monkeypatch.setattr("octavo.corpus.lazy_text.machine_memory", lambda: 8 << 22)
    with pytest.raises(OctavoError, match=r"^standard input gave more than 0\.0 GiB"):
        read_corpus(["-"], stdin=Endless())  # type: ignore[arg-type]  # as a raw descriptor is
