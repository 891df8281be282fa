"""Texts that are too long for memory: they stay in their file and are read again, in chunks, when they are needed."""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from octavo.corpus.decoding import without_mark
from octavo.errors import OctavoError
from octavo.system.hardware import machine_memory
from octavo.system.terminal import path_text

MIN_LAZY_BYTES = 1 << 22  # size in bytes from which a file stays on disk
_CHUNK_BYTES = 1 << 20  # bytes read at once
_MAX_CHARACTER_BYTES = 4  # in UTF-8, at most
_MAX_MARK_BYTES = 4  # bytes


def memory_limit() -> int:
    """Return how many bytes of text may be kept in memory: an eighth of the machine's memory.

    Decoding needs up to five times the bytes.
    """
    return machine_memory() // 8 or 1 << 32


class TextStream(Protocol):
    """A text that is read in chunks."""

    def iter_text(self) -> Iterator[str]:
        """Yield the text in chunks."""


Text = str | TextStream


def iter_text(text: Text) -> Iterator[str]:
    """Yield a text in chunks; a text in memory is one chunk."""
    return iter([text]) if isinstance(text, str) else text.iter_text()


def iter_utf8(text: Text) -> Iterator[bytes]:
    """Yield the UTF-8 of a text in chunks."""
    return (piece.encode("utf-8") for piece in iter_text(text))


@dataclass(frozen=True, slots=True)
class LazyText:
    """The characters `begin` … `end` of a file; a slice of it is another such text, and ``str`` reads all of it.

    They are counted from byte `offset` of the file, at which a character begins. Reading raises OctavoError if the
    file has changed since it was first read.
    """

    path: Path
    codec: str
    begin: int
    end: int
    stamp: tuple[int, ...]  # of the file, from file_stamp
    offset: int = 0

    def __len__(self) -> int:
        return self.end - self.begin

    def __getitem__(self, part: slice) -> "LazyText":
        start, stop, _ = part.indices(len(self))
        return replace(self, begin=self.begin + start, end=self.begin + max(start, stop))

    def __str__(self) -> str:
        return "".join(self.iter_text())

    def iter_text(self) -> Iterator[str]:
        """Yield the text, about a million characters at a time."""
        at = 0
        try:
            size = min(_CHUNK_BYTES, _MAX_CHARACTER_BYTES * self.end + _MAX_MARK_BYTES)
            for piece in _decode_file(self.path, self.codec, self.stamp, self.offset, size):
                wanted = piece[max(0, self.begin - at) : max(0, self.end - at)]
                at += len(piece)
                if wanted:
                    yield wanted
                if at >= self.end:
                    break
            if file_stamp(self.path) == self.stamp:
                return
        except UnicodeError:  # it decoded before
            pass
        except OSError as error:
            raise OctavoError(
                f"{path_text(self.path)} cannot be read again ({error.strerror}): leave it in its place"
            ) from None
        raise changed_error(self.path)


def open_lazy(path: Path, codec: str) -> LazyText:
    """Return the text of the file at `path`, which decodes with `codec`; the file is read once to count characters.

    Raises:
        OSError: it cannot be read.
        OctavoError: it changed meanwhile.
    """
    stamp = file_stamp(path)
    try:
        characters = sum(map(len, _decode_file(path, codec, stamp)))
    except UnicodeError:
        characters = -1
    if characters < 0 or file_stamp(path) != stamp:
        raise changed_error(path)
    return LazyText(path, codec, 0, characters, stamp)


def changed_error(path: Path) -> OctavoError:
    """Return the error for a file that changed while it was read."""
    return OctavoError(f"{path_text(path)} changed while it was read: wait until nothing writes to it")


def _decode_file(path: Path, codec: str, stamp: tuple[int, ...], offset: int = 0, size: int = 0) -> Iterator[str]:
    """Yield the file as :func:`octavo.corpus.decoding.decode` has it, no further than it reached at first.

    It begins at the byte `offset`, and `size` bytes are read at once.
    """
    decoder, left, begun = codecs.getincrementaldecoder(codec)(), stamp[0] - offset, offset > 0
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while raw := file.read(min(size or _CHUNK_BYTES, left)):
            left -= len(raw)
            text = decoder.decode(raw, final=not left)
            if text and not begun:
                begun = True
                text = without_mark(text, codec)
            yield text


def file_stamp(path: Path) -> tuple[int, ...]:
    """Return the size, the modification time and the identity of a file, to detect a change.

    Raises:
        OSError: it does not exist or is not accessible.
    """
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino
