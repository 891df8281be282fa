"""A corpus: named texts in a fixed order, exactly as they were written."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from octavo.corpus.filed import FiledText, pieces
from octavo.errors import OctavoError
from octavo.files import is_device

_LONGEST_NAME = 60  # characters; in UTF-8 still within the 255 bytes that file systems allow


@dataclass(frozen=True)
class Document:
    """One text: what was in the file, line endings included; a long one stays there (see `filed`).

    Raises OctavoError if `text` is empty or holds a lone surrogate, which UTF-8 cannot express.
    """

    name: str
    text: str | FiledText

    def __post_init__(self) -> None:
        if not self.text:
            raise OctavoError(f"{self.name} is empty: give a text with at least one character")
        passed = 0
        for piece in pieces(self.text):
            try:
                piece.encode("utf-8")
            except UnicodeEncodeError as error:
                raise OctavoError(
                    f"{self.name}: character {passed + error.start} is a lone surrogate "
                    f"(U+{ord(piece[error.start]):04X}), which is not text: remove it or decode the text anew"
                ) from None
            passed += len(piece)

    @cached_property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(len(piece.encode("utf-8")) for piece in pieces(self.text))


@dataclass(frozen=True)
class Corpus:
    """Documents in order. `name` is made safe as the name of a directory.

    `skipped` names what a directory held but the corpus does not: binary, empty and special files, and links
    to directories. `sources` is what was read, as it was given, in `encoding`; none of a text that was in memory.
    Raises OctavoError if there is no document.
    """

    name: str
    documents: tuple[Document, ...]
    skipped: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", safe_name(self.name))
        if not self.documents:
            raise OctavoError(f"the corpus {self.name} holds no document: give it at least one text")

    @classmethod
    def from_text(cls, text: str, name: str = "text") -> "Corpus":
        """A corpus of one document. Raises OctavoError as Document does."""
        return cls(name, (Document(name, text),))

    @cached_property
    def characters(self) -> int:
        """Length in Unicode code points."""
        return sum(len(document.text) for document in self.documents)

    @cached_property
    def bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return sum(document.bytes for document in self.documents)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the texts and their borders, not of names or places: for each document the length of
        its UTF-8 (8 bytes, little-endian), then its UTF-8."""
        digest = hashlib.sha256()
        for document in self.documents:
            digest.update(document.bytes.to_bytes(8, "little"))
            for piece in pieces(document.text):
                digest.update(piece.encode("utf-8"))
        return digest.hexdigest()


def safe_name(name: str) -> str:
    """`name` with letters, digits, "-", "_" and "." only; never empty, a device's, or with a dot at either end."""
    plain = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name))
    plain = plain.strip(".-")
    plain = f"text-{plain}" if is_device(plain) else plain
    return plain[:_LONGEST_NAME].rstrip(".-") or "corpus"
