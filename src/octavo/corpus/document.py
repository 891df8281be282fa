"""A corpus: named texts in a fixed order, exactly as they were written."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from octavo.corpus.lazy_text import LazyText, iter_text, iter_utf8
from octavo.corpus.lines import short_lines
from octavo.errors import OctavoError
from octavo.formats.files import is_device
from octavo.system.terminal import quantity

PER_FILE = "file"  # the unit of a corpus whose documents are files; "files" is accepted too
# What ends a document in widespread collections, and in the templates of chat models.
_END_MARKERS = (
    *("<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|im_end|>", "</s>", "[EOS]", "<EOS>", "<eos>", "<|eos|>"),
    *("<|eot|>", "<EOT>", "<|end|>", "<end_of_turn>", "<｜end▁of▁sentence｜>"),
)
_MIN_MARKERS = 3  # markers, below which a text may only speak of them
_MAX_SEARCHED = 1000  # documents, for their markers
_MAX_NAME_LENGTH = 60  # characters; in UTF-8 still within the 255 bytes that file systems allow


@dataclass(frozen=True)
class Document:
    """One text: what was in the file, line endings included; a long text stays in its file (see `LazyText`).

    `encoding` is the codec that it was read with. Raises OctavoError if `text` is empty or holds a lone surrogate,
    which UTF-8 cannot express.
    """

    name: str
    text: str | LazyText
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if not self.text:
            raise OctavoError(f"{self.name} is empty: give a text with at least one character")
        if isinstance(self.text, LazyText) and self.text.codec == "utf-8":
            return  # it decoded, so it holds none
        passed = 0
        for piece in iter_text(self.text):
            try:
                piece.encode("utf-8")
            except UnicodeEncodeError as error:
                raise OctavoError(
                    f"{self.name}: character {passed + error.start} is a lone surrogate "
                    f"(U+{ord(piece[error.start]):04X}), which is not text: remove it or decode the text again"
                ) from None
            passed += len(piece)

    @cached_property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(map(len, iter_utf8(self.text)))


SAME_FILE = "the same file as"  # begins the reason why a further name of a file is skipped


class Skipped(NamedTuple):
    """A file of a directory that is not in the corpus: its path, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """Documents in a fixed order. :func:`octavo.read_corpus` makes one of files.

    Attributes:
        name: the name, made safe as the name of a folder.
        documents: the documents, each with its ``name`` and ``text``.
        skipped: the files of a folder that were left out, each with its ``name`` and ``reason``.
        sources: the sources as they were given; empty for a text from memory.
        encoding: the given encoding, for files without byte order mark that are not UTF-8.
        document_unit: ``"file"``, or another unit that :func:`octavo.read_corpus` takes.
        blank_documents: how many records of JSON Lines or CSV were skipped because their text is blank.

    Raises:
        OctavoError: there is no document.

    Example:
        >>> octavo.Corpus.from_text("To be, or not to be", "hamlet").characters
        19
    """

    name: str
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...] = ()
    sources: tuple[str, ...] = ()
    encoding: str = "utf-8"
    document_unit: str = PER_FILE
    blank_documents: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", safe_name(self.name))
        if not self.documents:
            raise OctavoError(f"the corpus {self.name} holds no document: give it at least one text")

    @classmethod
    def from_text(cls, text: str, name: str = "text") -> "Corpus":
        """Return a corpus of one document. Raises OctavoError as Document does."""
        return cls(name, (Document(name, text),))

    @cached_property
    def characters(self) -> int:
        """Length in Unicode code points."""
        return sum(len(document.text) for document in self.documents)

    @cached_property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(document.bytes for document in self.documents)

    @property
    def encodings(self) -> dict[str, int]:
        """Return how many documents were read with each codec, the most frequent first."""
        return dict(Counter(document.encoding for document in self.documents).most_common())

    def notes(self) -> list[str]:
        """Return a few lines about skipped files, repeated documents, and what a document is."""
        return [*_skipped_lines(self.skipped), *self._repeated_lines(), *self._document_lines()]

    def _repeated_lines(self) -> list[str]:
        whole_files = self.document_unit == PER_FILE  # of a long file's many documents, each would be read again
        compared = [document for document in self.documents if whole_files or isinstance(document.text, str)]
        if not (found := find_duplicates(compared)):
            return []
        copy, first = found[0]
        return [
            f"{quantity(len(found), 'document')} of {len(self.documents):,} repeat{'s' * (len(found) == 1)} an "
            f"earlier one, such as {copy.name}, which repeats {first.name}: the validation split may contain "
            "training text"
        ]

    def _document_lines(self) -> list[str]:
        """Return the number of documents if files were split, and lines about a unit that the text suggests."""
        lines = []
        if self.document_unit != PER_FILE:
            blank = f"; {quantity(self.blank_documents, 'blank one')} skipped" if self.blank_documents else ""
            lines.append(f"{quantity(len(self.documents), 'document')}, {_unit_in_words(self.document_unit)}{blank}")
        beginnings = [next(iter_text(document.text)) for document in self.documents[:_MAX_SEARCHED]]
        counts = {marker: sum(text.count(marker) for text in beginnings) for marker in _END_MARKERS}
        marker = max(counts, key=lambda marker: counts[marker])
        if counts[marker] >= _MIN_MARKERS:
            records = self.document_unit.startswith(("jsonl:", "csv:"))  # which a separator would cut
            fix = (
                "remove it from the records"
                if records
                else f"to end a document there: documents='separator:{marker}'"
            )
            lines.append(f"{marker} occurs in the text at least {counts[marker]:,} times and is read as text; {fix}")
        elif self.document_unit == PER_FILE and len(beginnings) == 1 and (short := short_lines(beginnings[0])):
            lines.append(
                f"{self.documents[0].name} has at least {short:,} short lines, nearly all different; to make each "
                "line a document, give documents=lines"
            )
        return lines

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the texts and their boundaries, without names and paths: for each document the length of
        its UTF-8 (8 bytes, little-endian), then its UTF-8."""
        digest = hashlib.sha256()
        for document in self.documents:
            digest.update(document.bytes.to_bytes(8, "little"))
            for piece in iter_utf8(document.text):
                digest.update(piece)
        return digest.hexdigest()


def _unit_in_words(unit: str) -> str:
    kind, _, name = unit.partition(":")
    if kind == "separator":
        return "each ended by a separator or its file"
    return (
        f"each the {'field' if kind == 'jsonl' else 'column'} {name!r} of a record" if name else f"each a {kind[:-1]}"
    )


def find_duplicates(documents: Sequence[Document]) -> list[tuple[Document, Document]]:
    """Return each document whose text is also that of an earlier one, with the first such one."""
    of_length: dict[int, list[Document]] = {}
    for document in documents:
        of_length.setdefault(len(document.text), []).append(document)
    found = []
    for group in of_length.values():
        first: dict[str, Document] = {}
        for document in group if len(group) > 1 else []:
            earlier = first.setdefault(_sha256(document.text), document)
            if earlier is not document:
                found.append((document, earlier))
    return found


def _sha256(text: str | LazyText) -> str:
    digest = hashlib.sha256()
    for piece in iter_utf8(text):
        digest.update(piece)
    return digest.hexdigest()


# The beginning of a reason to skip a file, and the word under which such files are counted.
_SKIPPED_AS = (
    ("compressed", "compressed"),
    ("an archive", "compressed"),
    ("a zip archive", "zip archive or office document"),
    ("an office document", "office document"),
    ("a picture", "image"),
    ("a PDF", "PDF"),
    ("an EPUB", "EPUB"),
    ("empty", "empty"),
    ("a link", "link"),
    (SAME_FILE, "read under another name"),
    ("given by itself", "given by itself"),
    ("not a regular file", "special"),
    ("a run of Octavo", "Octavo run"),
    ("an experiment of Octavo", "Octavo experiment"),
    ("the folder of the runs", "folder of runs"),
    ("written by Octavo", "written by Octavo"),
)
_NOUNS = ("office document", "image", "PDF", "EPUB", "link", "Octavo run", "Octavo experiment")


def _skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """Return a line that counts the skipped files by reason, the most frequent first."""
    kinds = Counter(
        next((kind for beginning, kind in _SKIPPED_AS if reason.startswith(beginning)), "binary")
        for _, reason in skipped
    )
    counted = ", ".join(
        quantity(count, kind) if kind in _NOUNS else f"{count:,} {kind}" for kind, count in kinds.most_common()
    )
    return [f"skipped {quantity(len(skipped), 'file')}: {counted}"] if skipped else []


def safe_name(name: str) -> str:
    """Return `name` as a safe file name: only letters, digits, "-", "_" and ".", not empty, no device, no outer
    dot."""
    plain = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name))
    plain = plain.strip(".-")
    plain = f"text-{plain}" if is_device(plain) else plain
    return plain[:_MAX_NAME_LENGTH].rstrip(".-") or "corpus"
