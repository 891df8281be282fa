"""Read files, directories and standard input as a Corpus.

The text is exactly the content of the file: line ends are kept, nothing is normalised, only a byte order mark is
removed (`decoding` has the rules of encodings). In a directory, every text file is read, at any depth and with any
suffix, in the order of the names. Hidden files and directories are ignored. `Corpus.skipped` lists what else is
skipped, with the reason: Octavo's outputs (runs, experiments, pages), binary, empty and special files, links to
directories, and further names of a file that is read. A file given by itself is read or refused, never skipped, and
is skipped in a directory that is given too. A long file stays on disk and is read again when it is needed (see
`open_lazy`). Input through a pipe is kept in memory and has a limit.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from octavo.corpus.byte_patterns import WIDE_CODECS
from octavo.corpus.decoding import ByteSource, NotText, Undecodable, codec_name, find_codec, in_memory, without_mark
from octavo.corpus.document import PER_FILE, SAME_FILE, Corpus, Document, Skipped
from octavo.corpus.encoding_advice import encoding_error
from octavo.corpus.folder import file_identity, list_files, refuse_unreadable
from octavo.corpus.lazy_text import MIN_LAZY_BYTES, LazyText, memory_limit, open_lazy
from octavo.corpus.outputs import IS_OUTPUT, IS_RUN, enclosing_run, is_output, runs_root
from octavo.corpus.segmentation import parse_document_unit, with_documents
from octavo.corpus.shakespeare import tiny_shakespeare
from octavo.corpus.sources import parse_sources, refuse_missing, refuse_output
from octavo.errors import OctavoError
from octavo.formats.files import user_path
from octavo.system.terminal import path_text

_HEAD_BYTES = 8 * 1024  # bytes in which a NUL means "not text"
_CHUNK_BYTES = 1 << 20  # bytes read at once


def read_corpus(
    sources: Sequence[str | Path] | str | Path,
    *,
    encoding: str = "utf-8",
    documents: str = PER_FILE,
    runs: str | Path | None = None,
    stdin: BinaryIO | None = None,
) -> Corpus:
    """Read files, directories or standard input into a corpus. Texts are kept as they are, line ends included.

    Args:
        sources: a path or several; ``"-"`` is standard input, an empty list Tiny Shakespeare. A directory is read at
            any depth, in the order of names. The corpus has the name of the first source, without suffix.
        encoding: of files that have no byte order mark and are not UTF-8.
        documents: what a document is: ``"files"``, ``"lines"`` (each that is not blank), ``"paragraphs"`` (between
            blank lines), ``"jsonl:FIELD"`` or ``"csv:COLUMN"`` (a string of each record), or ``"separator:TEXT"``.
        runs: the folder of all runs, which is skipped in a directory (default: ``$OCTAVO_RUNS``, else ``./runs``).
        stdin: is read instead of the standard input of the process.

    Returns:
        The corpus. `Corpus.skipped` lists the files of a directory that were left out, each with a reason.

    Raises:
        OctavoError: a source is missing, unreadable, empty, a device, not text in `encoding`, a run, a directory
            without text, or given twice (its text would be both trained on and validated on).

    Example:
        >>> corpus = octavo.read_corpus("hamlet.txt")
        >>> corpus.name, len(corpus.documents), corpus.characters
        ('hamlet', 1, 40000)
    """
    parse_document_unit(documents)  # an error is raised before anything is read
    given = parse_sources(sources)
    paths = [user_path(source) for source in given if source not in ("-", "")]
    reader = _Reader(codec_name(encoding), runs_root(runs), {file_identity(path) for path in paths})
    if not given:
        reader.documents.append(Document("shakespeare", tiny_shakespeare()))
    for source in given:
        if source == "-":
            reader.read_stdin(stdin)
        elif source == "":
            raise OctavoError('a source is the empty string: give a file, a directory or "-"')
        else:
            reader.read_path(user_path(source))
    if reader.faults:
        raise encoding_error(reader.faults, reader.others)
    name = _corpus_name(given[0]) if given else "shakespeare"
    corpus = Corpus(name, tuple(reader.documents), tuple(reader.skipped), tuple(map(path_text, given)), encoding)
    return with_documents(corpus, documents)


@dataclass
class _Reader:
    codec: str
    runs_root: Path
    given: set[tuple[int, int] | None]  # identities of the paths that were given
    documents: list[Document] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    _seen: dict[object, str] = field(default_factory=dict)  # identity of a source -> its name
    faults: list[Undecodable] = field(default_factory=list)
    others: list[tuple[str, ByteSource]] = field(default_factory=list)  # texts that were not read as UTF-8

    def read_stdin(self, stdin: BinaryIO | None) -> None:
        """Read standard input."""
        self._refuse_twice("stdin", "standard input")
        self._add("stdin", self._decoded("standard input", standard_input(stdin)))

    def read_path(self, path: Path) -> None:
        """Read what the user named: a directory, a regular file or a named pipe."""
        name = path_text(path)
        try:
            status = path.stat()
        except (OSError, ValueError) as error:  # the latter: a NUL or a lone surrogate in the path
            refuse_missing(name, error)
        regular, directory = stat.S_ISREG(status.st_mode), stat.S_ISDIR(status.st_mode)
        if directory:
            refuse_output(path, name)
        elif not (regular or stat.S_ISFIFO(status.st_mode)):
            raise OctavoError(f'{name} is a device or a socket: give a file, or "-" for standard input')
        self._refuse_twice((status.st_dev, status.st_ino), name)
        if directory:
            self._read_directory(path, name)
        else:
            long = regular and status.st_size >= MIN_LAZY_BYTES
            self._add(name, self._decoded(name, None if long else _read_bytes(path), path if regular else None))

    def _read_directory(self, root: Path, name: str) -> None:
        found = list_files(root, self.runs_root)
        files = {file_identity(path): path_text(path) for path, reason in found if not (reason or path.is_symlink())}
        left_out = []
        for path, reason in found:
            if said := reason or self._read_in_directory(path, files):
                left_out.append(Skipped(path_text(path), said))
        if len(left_out) == len(found):
            first = f" ({left_out[0].name}: {left_out[0].reason})" if left_out else ""
            raise OctavoError(
                f"{name} holds no text file to read, hidden ones not counted{first}: give a directory with text"
            )
        self.skipped += left_out

    def _read_in_directory(self, path: Path, files: Mapping[tuple[int, int] | None, str]) -> str:
        """Read a file of a directory; return the reason if it is skipped, or "".

        `files` has the names of the files that are not links; they are read instead of the links to them.
        """
        name = path_text(path)
        try:
            status = path.stat()
        except FileNotFoundError:
            return "a link to nothing"
        except OSError as error:
            if error.errno == errno.ELOOP:
                return "a link that leads back to itself"
            refuse_unreadable(name, error)
        key = status.st_dev, status.st_ino
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if key in self.given:  # whether before the directory or after it
            return "given by itself too"
        if not status.st_size:
            return "empty"
        if first := self._seen.get(key) or (files.get(key) if path.is_symlink() else None):
            return f"{SAME_FILE} {first}"
        if path.is_symlink() and enclosing_run(path):
            return f"a link into {IS_RUN}"
        raw = None if status.st_size >= MIN_LAZY_BYTES else _read_bytes(path)
        head = _read_bytes(path, _HEAD_BYTES) if raw is None else raw[:_HEAD_BYTES]
        if is_output(path, head):
            return IS_OUTPUT
        try:
            decoded = self._decoded(name, raw, path)
        except NotText as error:
            return error.reason
        if decoded is None:
            return ""
        if not decoded[0]:
            return "empty"
        if b"\0" in head and not decoded[1].startswith(WIDE_CODECS):
            return "NUL bytes, as binary files have"
        self._seen[key] = name
        self._add(name, decoded)
        return ""

    def _add(self, name: str, decoded: tuple[str | LazyText, str] | None) -> None:
        if decoded is not None:
            self.documents.append(Document(name, *decoded))

    def _decoded(self, name: str, raw: bytes | None, path: Path | None = None) -> tuple[str | LazyText, str] | None:
        """Return a text and its codec; None if it does not decode, which goes into `faults`.

        Args:
            name: of the text, in an error.
            raw: all its bytes; None if the file is long and stays on disk.
            path: of a file that can be read again.
        """
        read = _file_source(path) if raw is None and path else in_memory(raw or b"")
        again = _file_source(path) if path else read
        try:
            codec = find_codec(read, self.codec, name)
            if codec != "utf-8":
                self.others.append((name, again))
            if raw is None and path:
                return open_lazy(path.absolute(), codec), codec
        except Undecodable as fault:
            fault.read = again  # so that its bytes need not stay in memory until all is read
            self.faults.append(fault)
            return None
        except OSError as error:
            refuse_unreadable(name, error)
        return without_mark((raw or b"").decode(codec), codec), codec

    def _refuse_twice(self, key: object, name: str) -> None:
        if earlier := self._seen.get(key):
            same = f"{name} is" if name == earlier else f"{earlier} and {name} are one file,"
            raise OctavoError(f"{same} given twice: name each text once")
        self._seen[key] = name


def _file_source(path: Path) -> ByteSource:
    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK_BYTES):
                yield piece

    return read


def read_source(path: Path) -> bytes:
    """Return all bytes of a file or a named pipe.

    Raises:
        OctavoError: it is missing or cannot be read, or is a directory, a device or a socket.
    """
    path = user_path(path)
    name = path_text(path)
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
        return _read_limited(file, "standard input")
    except OSError as error:
        refuse_unreadable("standard input", error)


def _is_device(file: BinaryIO) -> bool:
    """Return whether a stream is a device but not a terminal."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, AttributeError, ValueError):  # nothing of the system's: it lives in memory
        return False
    return (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and not file.isatty()


def _read_bytes(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size) if size >= 0 else _read_limited(file, path_text(path))
    except OSError as error:
        refuse_unreadable(path_text(path), error)


def _read_limited(file: BinaryIO, name: str) -> bytes:
    """Read all bytes, up to the limit of memory: the size of a pipe is unknown, and it may never end."""
    limit = memory_limit()
    raw = bytearray()
    while piece := file.read(_CHUNK_BYTES):
        raw += piece
        if len(raw) > limit:
            raise OctavoError(
                f"{name} gave more than {limit / 2**30:.1f} GiB, too much: shorten it, or give a long text as a "
                "UTF-8 file"
            )
    return bytes(raw)


def _corpus_name(source: str | Path) -> str:
    if source == "-":
        return "stdin"
    path = user_path(source)
    return path.resolve().name if path.is_dir() else path.stem  # "." and ".." have no name of their own
