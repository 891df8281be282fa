"""A text too long to hold in memory: it stays in its file, and is read anew, a piece at a time, when it is needed."""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from octavo.errors import OctavoError

LONG = 1 << 22  # bytes of a file that is not held in memory
_PIECE = 1 << 20  # bytes read at once


class Pieces(Protocol):
    """What can be gone through without being held as a whole."""

    def pieces(self) -> Iterator[str]:
        """Its text, a piece at a time."""


Text = str | Pieces


def pieces(text: Text) -> Iterator[str]:
    """A text a piece at a time; one that is in memory is one piece."""
    return iter([text]) if isinstance(text, str) else text.pieces()


@dataclass(frozen=True)
class FiledText:
    """The characters `begin` … `end` of a file; a slice of it is another such text, and ``str`` reads all of it.

    Reading raises OctavoError if the file is no longer what it was when it was first read.
    """

    path: Path
    codec: str
    begin: int
    end: int
    stamp: tuple[int, ...]  # what the file was

    def __len__(self) -> int:
        return self.end - self.begin

    def __getitem__(self, part: slice) -> "FiledText":
        start, stop, _ = part.indices(len(self))
        return replace(self, begin=self.begin + start, end=self.begin + max(start, stop))

    def __str__(self) -> str:
        return "".join(self.pieces())

    def pieces(self) -> Iterator[str]:
        """The text, about a million characters at a time."""
        at = 0
        try:
            for piece in _decoded(self.path, self.codec, self.stamp):
                wanted = piece[max(0, self.begin - at) : max(0, self.end - at)]
                at += len(piece)
                if wanted:
                    yield wanted
                if at >= self.end:
                    break
            if _stamp(os.stat(self.path)) == self.stamp:
                return
        except UnicodeError:  # it decoded before
            pass
        except OSError as error:
            raise OctavoError(
                f"{_name(self.path)} cannot be read again ({error.strerror}): leave it in its place"
            ) from None
        raise OctavoError(f"{_name(self.path)} changed while it was read: wait until nothing writes to it")


def filed(path: Path, codec: str) -> FiledText | None:
    """The text of the file at `path`, gone through once; None if only the whole can be decoded, or it cannot.

    Raises:
        OSError: it cannot be read.
        OctavoError: it changed meanwhile.
    """
    if codecs.lookup(codec).incrementaldecoder is None:
        return None
    stamp = _stamp(os.stat(path))
    try:
        characters = sum(map(len, _decoded(path, codec, stamp)))
    except UnicodeError:
        return None
    if _stamp(os.stat(path)) != stamp:
        raise OctavoError(f"{_name(path)} changed while it was read: wait until nothing writes to it")
    return FiledText(path, codec, 0, characters, stamp)


def _decoded(path: Path, codec: str, stamp: tuple[int, ...]) -> Iterator[str]:
    """The file as :func:`octavo.corpus.decoding.decode` has it; no further than it reached at first."""
    decoder, left, begun = codecs.getincrementaldecoder(codec)(), stamp[0], False
    with path.open("rb") as file:
        while raw := file.read(min(_PIECE, left)):
            left -= len(raw)
            text = decoder.decode(raw, final=not left)
            if text and not begun:
                begun = True
                text = text.removeprefix("\ufeff") if codec == "utf-8" else text
            yield text


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino


def _name(path: Path) -> str:
    return str(path).encode("utf-8", "replace").decode("utf-8")
