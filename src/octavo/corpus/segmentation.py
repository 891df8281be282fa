"""Split the text of a file into documents, as ``--documents`` asks for."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from octavo.corpus.document import Corpus, Document
from octavo.corpus.folder import refuse_unreadable
from octavo.corpus.lazy_text import LazyText, changed_error, file_stamp
from octavo.errors import OctavoError
from octavo.system.terminal import path_text

PER_FILE = "file"  # a file is a document
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\\": "\\"}
_CHUNK_BYTES = 1 << 20  # bytes read at once


@dataclass(frozen=True)
class Separator:
    """A text that separates documents. A line end in it also matches a Windows line end."""

    text: str

    @property
    def pattern(self) -> str:
        """The regular expression that matches it."""
        return re.escape(self.text).replace("\\\n", "\r?\n")


def parse_document_unit(given: str) -> Separator | None:
    """Return the separator of documents; None if each file is a document.

    Args:
        given: "file", or "separator:TEXT", in which ``\\n``, ``\\r``, ``\\t`` and ``\\\\`` are a line feed, a
            carriage return, a tab and a backslash.

    Raises:
        OctavoError: it is something else.
    """
    kind, _, text = given.partition(":") if isinstance(given, str) else ("", "", "")
    if given == PER_FILE:
        return None
    if kind == "separator" and text:
        return Separator(re.sub(r"\\[nrt\\]", lambda found: _ESCAPES[found[0]], text))
    raise OctavoError(
        f"documents are {PER_FILE} or separator:TEXT, not {given!r}: give for example 'separator:<|endoftext|>'"
    )


def with_documents(corpus: Corpus, documents: str) -> Corpus:
    """Return a corpus whose texts are split as `documents` says; with "file" it is unchanged.

    Raises:
        OctavoError: there is no such unit, the separator does not occur, or a file cannot be read again.
    """
    separator = parse_document_unit(documents)
    if separator is None or documents == corpus.document_unit:
        return corpus
    found = [part for whole in corpus.documents for part in split_documents(whole, separator)]
    if sum(len(part.text) for part in found) == corpus.characters:
        raise OctavoError(
            f"the separator {separator.text!r} does not occur in {corpus.name}: check its spelling in the text"
        )
    return replace(corpus, documents=tuple(found), document_unit=documents)


def split_documents(document: Document, separator: Separator) -> list[Document]:
    """Return the documents of a text without the separators, and without those that are empty or only white space.

    Those of a long UTF-8 file stay in the file.

    Raises:
        OctavoError: the file cannot be read, or changed since it was first read.
    """
    text, name = document.text, document.name
    if isinstance(text, LazyText) and text.codec == "utf-8":
        found: Iterable[str | LazyText] = _split_file(text, separator)
    else:
        found = (each for each in re.split(separator.pattern, str(text)) if each and not each.isspace())
    return [Document(f"{name} #{number}", each, document.encoding) for number, each in enumerate(found, 1)]


def _split_file(text: LazyText, separator: Separator) -> Iterator[LazyText]:
    try:
        for begin, characters, blank in _spans(text.path, text.stamp[0], separator):
            if not blank:
                yield replace(text, begin=0, end=characters, offset=begin)
        same = file_stamp(text.path) == text.stamp
    except OSError as error:
        refuse_unreadable(path_text(text.path), error)
    if not same:
        raise changed_error(text.path)


def _spans(path: Path, left: int, separator: Separator) -> Iterator[tuple[int, int, bool]]:
    """Yield for each document at which byte it begins, its number of characters, and whether it is blank."""
    pattern = re.compile(separator.pattern.encode())
    longest = 2 * len(separator.text.encode())
    with path.open("rb", buffering=0) as file:
        begin = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
        file.seek(begin)
        left -= begin
        held, at, document = b"", begin, _DocumentCount()
        while raw := file.read(min(_CHUNK_BYTES, left)):
            left -= len(raw)
            held += raw
            # A separator that begins later may continue in the next chunk.
            complete = max(0, len(held) - longest) if left else len(held)
            start = 0
            for found in pattern.finditer(held):
                if found.start() > complete:
                    break
                document.add(held[start : found.start()])
                yield begin, document.characters, document.blank
                start = found.end()
                begin, document = at + start, _DocumentCount()
            end = max(start, complete)
            document.add(held[start:end])
            held, at = held[end:], at + end
        yield begin, document.characters, document.blank


class _DocumentCount:
    """Count the characters of a document that comes in chunks of UTF-8."""

    def __init__(self) -> None:
        self.characters, self.blank = 0, True
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, raw: bytes) -> None:
        text = self._decoder.decode(raw, final=False)
        self.characters += len(text)
        self.blank = self.blank and (not text or text.isspace())
