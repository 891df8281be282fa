"""Files, directories and standard input to a Corpus.

What is trained on is what was in the file: no line ending is translated, nothing is normalised; only a byte
order mark goes (see `decoding`). Of a directory every text file is read, at any depth and whatever its
suffix, in the order of the names. Passed over are hidden files and directories, and, listed in
`Corpus.skipped`: files with a NUL byte among their first 8 KiB (unless the encoding is UTF-16 or UTF-32,
where it is normal), empty files, special files, links to directories and dangling links. A file named
outright is never passed over: it is read or refused. A long file stays where it is and is read anew when it is
needed (see `filed`); what comes through a pipe is held, so there is an end to how much that may be.
"""

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn

from octavo.corpus.decoding import codec_name, decode
from octavo.corpus.document import Corpus, Document
from octavo.corpus.filed import LONG, FiledText, filed
from octavo.corpus.shakespeare import tiny_shakespeare
from octavo.errors import OctavoError
from octavo.memory import machine_memory
from octavo.terminal import readable

_HEAD = 8 * 1024  # bytes in which a NUL means "not text"
_PIECE = 1 << 20  # bytes read at once


def read_corpus(sources: Sequence[str | Path], *, encoding: str = "utf-8", stdin: BinaryIO | None = None) -> Corpus:
    """The texts of `sources`: files, directories, "-" for standard input; none at all for Tiny Shakespeare.

    `stdin` stands in for the standard input of the process. A named pipe is read like a file. The corpus has
    the name of its first source without the suffix. Raises OctavoError for a source that is missing,
    unreadable, empty, a device, no text in `encoding`, a directory without text, or given twice (a text that
    is there twice would be both trained on and validated on).
    """
    reader = _Reader(codec_name(encoding))
    if isinstance(sources, str | os.PathLike):  # a str is a sequence of str too, but is never meant so
        sources = [sources]
    if not sources:
        return Corpus("shakespeare", (Document("shakespeare", tiny_shakespeare()),))
    for source in sources:
        if source == "-":
            reader.read_stdin(stdin)
        elif source == "":
            raise OctavoError('a source is the empty string: give a file, a directory or "-"')
        else:
            reader.read_path(Path(source))
    given = tuple(map(readable, sources))
    return Corpus(_corpus_name(sources[0]), tuple(reader.documents), tuple(reader.skipped), given, encoding)


@dataclass
class _Reader:
    codec: str
    documents: list[Document] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    _seen: dict[object, str] = field(default_factory=dict)  # what identifies a source -> its name

    def read_stdin(self, stdin: BinaryIO | None) -> None:
        self._refuse_twice("stdin", "standard input")
        self.documents.append(Document("stdin", decode(standard_input(stdin), self.codec, "standard input")))

    def read_path(self, path: Path) -> None:
        """Read what the user named: a directory, a regular file or a named pipe."""
        name = readable(path)
        try:
            status = path.stat()
        except FileNotFoundError:
            raise OctavoError(
                f"there is no file or directory {name}: check the path, or give - and pipe the words in"
            ) from None
        except ValueError:  # a NUL or a lone surrogate in the path
            raise OctavoError(f"{name!r} cannot be a path: check it") from None
        except OSError as error:
            _refuse_unreadable(name, error)
        if stat.S_ISDIR(status.st_mode):
            self._read_directory(path)
            return
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise OctavoError(f'{name} is a device or a socket: give a file, or "-" for standard input')
        self._refuse_twice((status.st_dev, status.st_ino), name)
        self.documents.append(Document(name, self._text(path, status, name)))

    def _text(self, path: Path, status: os.stat_result, name: str) -> str | FiledText:
        """The text of a file or a named pipe; a long one is left in its file."""
        if stat.S_ISREG(status.st_mode) and status.st_size >= LONG:
            try:
                text = filed(path.absolute(), self.codec)
            except OSError as error:
                _refuse_unreadable(name, error)
            if text is not None:
                return text
        return decode(_read_bytes(path), self.codec, name)

    def _read_directory(self, root: Path) -> None:
        before = len(self.documents)
        for path in _walk(root):
            name = readable(path)
            text = self._text_in_directory(path, name)
            if text:
                self.documents.append(Document(name, text))
            else:
                self.skipped.append(name)
        if len(self.documents) == before:
            raise OctavoError(
                f"{readable(root)} holds no text file (hidden, empty and binary files do not count): "
                "give a directory with text"
            )

    def _text_in_directory(self, path: Path, name: str) -> str | FiledText | None:
        """The text of the file at `path`, None or empty if there is none to train on."""
        try:
            status = path.stat()
        except FileNotFoundError:  # a dangling link
            return None
        except OSError as error:
            _refuse_unreadable(name, error)
        if not stat.S_ISREG(status.st_mode):
            return None
        nul_is_text = self.codec.startswith(("utf-16", "utf-32"))
        if not nul_is_text and b"\0" in _read_bytes(path, _HEAD):
            return None
        text = self._text(path, status, name)
        if text:
            self._refuse_twice((status.st_dev, status.st_ino), name)
        return text

    def _refuse_twice(self, identity: object, name: str) -> None:
        if earlier := self._seen.get(identity):
            same = f"{name} is" if name == earlier else f"{earlier} and {name} are one file,"
            raise OctavoError(f"{same} given twice: name each text once")
        self._seen[identity] = name


def _walk(root: Path) -> list[Path]:
    """All that is not hidden below `root` and not a directory, sorted by the parts of the path."""

    def refuse(error: OSError) -> NoReturn:
        _refuse_unreadable(readable(error.filename), error)

    found: list[Path] = []
    for place, directories, files in os.walk(root, onerror=refuse):
        directories[:] = [d for d in directories if not d.startswith(".")]
        links = [d for d in directories if os.path.islink(os.path.join(place, d))]  # os.walk enters none
        found += [Path(place, f) for f in files + links if not f.startswith(".")]
    return sorted(found, key=lambda path: path.parts)


def read_source(path: Path) -> bytes:
    """All bytes of a file or a named pipe.

    Raises:
        OctavoError: it is missing or cannot be read, or is a directory, a device or a socket.
    """
    name = readable(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # the latter: a NUL in the path
        raise OctavoError(f"{name} cannot be read ({getattr(error, 'strerror', None) or error}): check it") from None
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise OctavoError(f'{name} is a device or a socket: give a file, or "-" for standard input')
    return _read_bytes(path)


def standard_input(stdin: BinaryIO | None = None) -> bytes:
    """All that comes through standard input, or `stdin`.

    Raises:
        OctavoError: it is closed, cannot be read, is a device with no end, or does not come to one.
    """
    if stdin is None and sys.stdin is None:
        raise OctavoError("standard input is closed: pipe a text into it or give a file")
    file = sys.stdin.buffer if stdin is None else stdin
    try:
        if _is_device(file):
            raise OctavoError("standard input is a device: pipe a text into it or give a file")
        return _all_of(file, "standard input")
    except OSError as error:
        _refuse_unreadable("standard input", error)


def _is_device(file: BinaryIO) -> bool:
    """Whether it is one that nobody types at."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, AttributeError, ValueError):  # nothing of the system's: it lives in memory
        return False
    return (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and not file.isatty()


def _read_bytes(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size) if size >= 0 else _all_of(file, readable(path))
    except OSError as error:
        _refuse_unreadable(readable(path), error)


def _all_of(file: BinaryIO, name: str) -> bytes:
    """Every byte, up to an eighth of the machine's memory: text takes up to five times its bytes while it is decoded.

    A pipe does not tell how much is to come, and ``yes`` has no end.
    """
    most = machine_memory() // 8 or 1 << 32
    raw = bytearray()
    while piece := file.read(_PIECE):
        raw += piece
        if len(raw) > most:
            raise OctavoError(
                f"{name} gave more than {most / 2**30:.1f} GiB, too much to hold: cut it, or give a long text as a "
                "UTF-8 file"
            )
    return bytes(raw)


def _refuse_unreadable(name: str, error: OSError) -> NoReturn:
    raise OctavoError(f"{name} cannot be read ({error.strerror}): check its permissions or leave it out") from None


def _corpus_name(source: str | Path) -> str:
    if source == "-":
        return "stdin"
    path = Path(source)
    return path.resolve().name if path.is_dir() else path.stem  # "." and ".." have no name of their own
