"""Split the text of a file into documents, as ``--documents`` asks for."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from octavo.corpus.document import PER_FILE, Corpus, Document
from octavo.corpus.folder import refuse_unreadable
from octavo.corpus.lazy_text import LazyText, changed_error, file_stamp
from octavo.corpus.records import Field, read_field
from octavo.errors import OctavoError
from octavo.system.terminal import path_text

_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\\": "\\"}
_CHUNK_BYTES = 1 << 20  # bytes read at once
_SHORT_BYTES = 200  # a document up to this size takes as much memory as its place in the file


@dataclass(frozen=True)
class Separator:
    """A text that separates documents. A line end in it matches one of any kind."""

    text: str

    @property
    def pattern(self) -> str:
        """The regular expression that matches it."""
        return "(?:\r\n|\r(?!\n)|\n)".join(map(re.escape, re.split("\r\n?|\n", self.text)))

    @property
    def max_bytes(self) -> int:
        """The largest number of bytes that the pattern matches, or more."""
        return 2 * len(self.text.encode())


@dataclass(frozen=True)
class Lines:
    """Line ends separate documents; if `grouped`, blank lines do, and the lines between them are one document."""

    grouped: bool = False
    pattern = "\r\n?|\n"
    max_bytes = 2


Unit = Separator | Lines | Field


def parse_document_unit(given: str) -> Unit | None:
    """Return what divides a text into documents; None if each file is a document.

    Args:
        given: "files" (or "file"), "lines", "paragraphs", "jsonl:FIELD", "csv:COLUMN", or "separator:TEXT", in which
            ``\\n``, ``\\r``, ``\\t`` and ``\\\\`` are a line feed, a carriage return, a tab and a backslash.

    Raises:
        OctavoError: it is something else.
    """
    kind, colon, text = given.partition(":") if isinstance(given, str) else ("", "", "")
    if kind in (PER_FILE, "files") and not colon:
        return None
    if kind in ("lines", "paragraphs") and not colon:
        return Lines(grouped=kind == "paragraphs")
    if kind in ("jsonl", "csv") and text:
        return Field(kind, text)
    if kind == "separator" and text:
        return Separator(re.sub(r"\\[nrt\\]", lambda found: _ESCAPES[found[0]], text))
    raise OctavoError(
        f"documents are files, lines, paragraphs, jsonl:FIELD, csv:COLUMN or separator:TEXT, not {given!r}: give for "
        "example lines or 'separator:<|endoftext|>'"
    )


def with_documents(corpus: Corpus, documents: str) -> Corpus:
    """Return a corpus whose texts are split as `documents` says; with "files" it is unchanged.

    Raises:
        OctavoError: there is no such unit, the separator or the field does not occur, a line cannot be read as the
            unit says, all documents are blank, or a file cannot be read again.
    """
    unit = parse_document_unit(documents)
    if unit is None or documents == corpus.document_unit:
        return corpus
    if isinstance(unit, Field):
        found, blank = [], 0
        for whole in corpus.documents:
            texts, skipped = read_field(whole.name, whole.text, unit)
            found += _numbered(whole, texts)
            blank += skipped
    else:
        found, blank = [part for whole in corpus.documents for part in split_documents(whole, unit)], 0
    if isinstance(unit, Separator) and sum(len(part.text) for part in found) == corpus.characters:
        raise OctavoError(
            f"the separator {unit.text!r} does not occur in {corpus.name}: check its spelling in the text"
        )
    if not found:
        raise OctavoError(f"{corpus.name} has only blank documents with documents={documents!r}: give another unit")
    return replace(corpus, documents=tuple(found), document_unit=documents, blank_documents=blank)


def split_documents(document: Document, unit: Separator | Lines) -> list[Document]:
    """Return the documents of a text without the separators, and without those that are empty or only white space.

    Those of a long UTF-8 file stay in the file, unless they are so short that their place takes as much memory.

    Raises:
        OctavoError: the file cannot be read, or changed since it was first read.
    """
    text = document.text
    if isinstance(text, LazyText) and text.codec == "utf-8":
        return _numbered(document, _split_file(text, unit))
    whole = str(text)
    spans = _documents(_spans_of_text(whole, unit), unit)
    return _numbered(document, (whole[span.begin : span.begin + span.characters] for span in spans))


def _numbered(whole: Document, texts: Iterable[str | LazyText]) -> list[Document]:
    return [Document(f"{whole.name} #{number}", text, whole.encoding) for number, text in enumerate(texts, 1)]


class _Span(NamedTuple):
    """A piece between two separators: where it begins (a character, or a byte of a file) and its characters."""

    begin: int
    characters: int
    blank: bool
    separator: int = 0  # characters of the separator after it
    short: bytes | None = None  # all its bytes, if they are few


def _documents(pieces: Iterator[_Span], unit: Separator | Lines) -> Iterator[_Span]:
    """Yield the pieces that are not blank; if lines are grouped, each group of neighbouring ones as one."""
    if isinstance(unit, Separator) or not unit.grouped:
        yield from (piece for piece in pieces if not piece.blank)
        return
    begin, characters, separator = -1, 0, 0
    for piece in pieces:
        if not piece.blank:
            begin, characters = (piece.begin, 0) if begin < 0 else (begin, characters + separator)
            characters, separator = characters + piece.characters, piece.separator
        elif begin >= 0:
            yield _Span(begin, characters, blank=False)
            begin = -1
    if begin >= 0:
        yield _Span(begin, characters, blank=False)


def _spans_of_text(text: str, unit: Separator | Lines) -> Iterator[_Span]:
    begin = 0
    for found in re.finditer(unit.pattern, text):
        piece = text[begin : found.start()]
        yield _Span(begin, len(piece), not piece or piece.isspace(), found.end() - found.start())
        begin = found.end()
    piece = text[begin:]
    yield _Span(begin, len(piece), not piece or piece.isspace())


def _split_file(text: LazyText, unit: Separator | Lines) -> Iterator[str | LazyText]:
    try:
        for span in _documents(_spans_of_file(text.path, text.stamp[0], unit), unit):
            in_file = replace(text, begin=0, end=span.characters, offset=span.begin)
            yield in_file if span.short is None else span.short.decode()
        same = file_stamp(text.path) == text.stamp
    except OSError as error:
        refuse_unreadable(path_text(text.path), error)
    if not same:
        raise changed_error(text.path)


def _spans_of_file(path: Path, left: int, unit: Separator | Lines) -> Iterator[_Span]:
    pattern = re.compile(unit.pattern.encode())
    with path.open("rb", buffering=0) as file:
        begin = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
        file.seek(begin)
        left -= begin
        held, at, piece = b"", begin, _PieceCount()
        while raw := file.read(min(_CHUNK_BYTES, left)):
            left -= len(raw)
            held += raw
            # A separator that begins later may continue in the next chunk.
            complete = len(held) - unit.max_bytes if left else len(held)
            start = 0
            for found in pattern.finditer(held):
                if found.start() > complete:
                    break
                piece.add(held[start : found.start()])
                yield _Span(begin, piece.characters, piece.blank, len(found[0].decode()), piece.short)
                start = found.end()
                begin, piece = at + start, _PieceCount()
            end = max(start, complete, 0)
            piece.add(held[start:end])
            held, at = held[end:], at + end
        yield _Span(begin, piece.characters, piece.blank, 0, piece.short)


class _PieceCount:
    """Count the characters of a piece that comes in chunks of UTF-8, and keep its bytes while they are few."""

    def __init__(self) -> None:
        self.characters, self.blank = 0, True
        self.short: bytes | None = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, raw: bytes) -> None:
        text = self._decoder.decode(raw, final=False)
        self.characters += len(text)
        self.blank = self.blank and (not text or text.isspace())
        if self.short is not None:
            self.short = self.short + raw if len(self.short) + len(raw) <= _SHORT_BYTES else None
