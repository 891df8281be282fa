"""The parts of a text as tokens on disk: train, validation and test, each with the text it came from.

A run keeps both, so that it can be scored, resumed and examined when the original file is gone:
``NAME.npy`` (token ids, memory-mapped when read), ``NAME.txt`` (UTF-8) and ``parts.json`` (what they hold).

Go through very many token ids and hold few of them, also of those that lie on the disk.
"""

import codecs
import hashlib
import io
import json
import mmap
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from octavo.corpus import CorpusSplit
from octavo.errors import OctavoError, reason
from octavo.formats.files import write_atomically
from octavo.formats.json_schema import from_json, parse_object
from octavo.formats.untrusted import MOST_TEXT, open_plain, read_plain
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer
from octavo.tokenizer.base import AT_ONCE

SPLIT_NAMES = ("train", "validation", "test")
Ids = npt.NDArray[np.integer]
_HELD = 1 << 22  # ids in memory; more are in a file
_READ_BYTES = 1 << 20  # bytes of a text that are read at once
_MOST_HEADER = 4096  # bytes of a .npy file before its numbers
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"(?P<literal>\{'descr': '(?P<kind><u[24])', 'fortran_order': False, 'shape': \((?P<count>\d{1,15}),\), \} *\n)",
    re.DOTALL,
)


@dataclass(frozen=True)
class SplitFacts:
    """What ``parts.json`` says of one part. `documents` counts segments, a document cut by a border twice."""

    characters: int
    bytes: int
    tokens: int
    documents: int
    sha256: str  # of the text in UTF-8
    ids_sha256: str = ""  # of NAME.npy; "": an earlier version noted none


@dataclass(frozen=True)
class TokenSplit:
    """One part: its token ids, each document begun by the tokenizer's start token, and its facts."""

    name: str
    ids: Ids
    facts: SplitFacts
    folder: Path
    _verified: bool = field(default=False, init=False, repr=False, compare=False)  # the text was what the facts say

    @property
    def text(self) -> str:
        """The part's text, read from the run.

        Raises:
            OctavoError: it is not the one that was written.
        """
        return "".join(self.iter_text())

    def beginning(self, characters: int) -> str:
        """The first characters of :attr:`text`, which is read to its end if nothing has verified it yet.

        Raises:
            OctavoError: as there.
        """
        head = ""
        for piece in self.iter_text():
            head += piece[: characters - len(head)]
            if self._verified and len(head) >= characters:
                break
        return head

    def iter_text(self) -> Iterator[str]:
        """:attr:`text`, a piece at a time: only after the last is it known to be the one that was written.

        Raises:
            OctavoError: it is not.
        """
        place = self.folder / f"{self.name}.txt"
        digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
        try:
            with open_plain(place, self.facts.bytes, self.folder.parent) as file:
                while raw := file.read(_READ_BYTES):
                    digest.update(raw)
                    yield decoder.decode(raw)
            decoder.decode(b"", final=True)
        except (OSError, ValueError) as error:
            raise OctavoError(f"{place} cannot be read ({reason(error)}): train the run again") from None
        object.__setattr__(self, "_verified", digest.hexdigest() == self.facts.sha256)
        if not self._verified:
            raise OctavoError(f"{place} is not the text that was trained on: put that back, or train the run again")


def tokenize(tokenizer: Tokenizer, part: CorpusSplit, watch: ProgressCallback = no_progress) -> Ids:
    """Return the ids of a part's segments, each after the start token if the tokenizer has one.

    Very many of them are in a temporary file, which has no name and goes when they do. `watch` is told the share of
    the part that is done.

    Raises:
        OctavoError: there is no room for it.
    """
    arrays, kind = _id_arrays(tokenizer, part, watch), id_type(tokenizer)
    held, count = [np.empty(0, kind)], 0
    for ids in arrays:
        held.append(ids)
        count += len(ids)
        if count > _HELD:
            break
    else:
        return np.concatenate(held)
    try:
        with tempfile.TemporaryFile(prefix="octavo-") as file:
            file.writelines(ids.data for ids in chain(held, arrays))
            file.flush()
            return np.memmap(file, dtype=kind, mode="r")
    except OSError as error:
        raise OctavoError(
            f"the tokens cannot be kept in {tempfile.gettempdir()} ({error.strerror}): free space, or set TMPDIR "
            "to a folder that has some"
        ) from None


def _id_arrays(tokenizer: Tokenizer, part: CorpusSplit, watch: ProgressCallback) -> Iterator[Ids]:
    kind, done, total = id_type(tokenizer), 0, max(1, part.characters)
    for segment in part.segments:
        if tokenizer.bos_id is not None:
            yield np.array([tokenizer.bos_id], dtype=kind)
        for number, ids in enumerate(tokenizer.encode_stream(segment), 1):
            watch((done + min(len(segment), number * AT_ONCE)) / total)
            yield ids.astype(kind)
        done += len(segment)


def documents(ids: Ids, bos_id: int | None) -> list[Ids]:
    """Cut a part's ids where a document begins, and leave the start tokens out."""
    if bos_id is None:
        return [ids]
    pieces = np.split(ids, np.flatnonzero(ids == bos_id))
    return [kept for piece in pieces if len(kept := piece[piece != bos_id])]


def id_type(tokenizer: Tokenizer) -> type[np.unsignedinteger]:
    """The smallest kind of number that holds every id."""
    return np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32


def save_splits(folder: Path, parts: dict[str, tuple[CorpusSplit, Ids]]) -> None:
    """Write each part's ids and text into `folder`, and last the facts.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {}
    for name, (part, ids) in parts.items():
        read, array = _Read(), _Kept()
        write_atomically(folder / f"{name}.txt", read.encoded(part))
        write_atomically(folder / f"{name}.npy", array.seen(_as_file(ids)))
        marks = read.digest.hexdigest(), array.digest.hexdigest()
        facts[name] = asdict(SplitFacts(read.characters, read.bytes, len(ids), len(part.segments), *marks))
    write_atomically(folder / "parts.json", json.dumps(facts, indent=1).encode())


class _Read:
    """A text as it goes by: how long it is, and its fingerprint."""

    def __init__(self) -> None:
        self.characters = self.bytes = 0
        self.digest = hashlib.sha256()

    def encoded(self, part: CorpusSplit) -> Iterator[bytes]:
        """Its UTF-8."""
        for piece in part.iter_text():
            raw = piece.encode("utf-8")
            self.characters += len(piece)
            self.bytes += len(raw)
            self.digest.update(raw)
            yield raw


class _Kept:
    """A file as it goes by: its fingerprint."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def seen(self, pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        """The same pieces."""
        for piece in pieces:
            self.digest.update(piece)
            yield piece


def _as_file(ids: Ids) -> Iterator[bytes | memoryview]:
    """What np.save writes."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(ids))
    yield head.getvalue()
    for block in id_chunks(ids):
        yield np.ascontiguousarray(block).data


def open_splits(folder: Path) -> dict[str, TokenSplit]:
    """Open what :func:`save_splits` wrote, ids memory-mapped and as they were written.

    Raises:
        OctavoError: a file is missing or is not what Octavo wrote.
    """
    try:
        found = parse_object(read_plain(folder / "parts.json", MOST_TEXT, folder.parent), {})
        facts = {name: from_json(SplitFacts, found[name]) for name in SPLIT_NAMES if name in found or name != "test"}
        return {name: TokenSplit(name, _open_ids(folder, name, facts[name]), facts[name], folder) for name in facts}
    except (OctavoError, OSError, ValueError, KeyError) as error:
        raise OctavoError(
            f"{folder} does not hold a run's data ({reason(error, named=True)}): train the run again"
        ) from None


def check_ids(parts: Mapping[str, TokenSplit], vocab_size: int) -> None:
    """See that every id is of a token, before a model looks it up.

    Raises:
        OctavoError: a part has others.
    """
    for part in parts.values():
        if any(block.max() >= vocab_size for block in id_chunks(part.ids)):
            raise OctavoError(f"{part.folder / part.name}.npy has ids beyond the vocabulary: train the run again")


def _open_ids(folder: Path, name: str, facts: SplitFacts) -> Ids:
    """Raises OctavoError or ValueError unless the file holds what the facts say."""
    path = folder / f"{name}.npy"
    if min(facts.characters, facts.bytes, facts.tokens + 1, facts.documents) < 1:
        raise ValueError(f"parts.json counts nothing in {name}")
    with open_plain(path, _MOST_HEADER + 4 * facts.tokens, folder.parent) as file:
        if facts.ids_sha256 and hashlib.file_digest(file, "sha256").hexdigest() != facts.ids_sha256:
            raise ValueError(f"{path.name} is damaged")
        file.seek(0)
        # NumPy's own reader would also open archives and pickles, and takes whatever is nearly a literal of Python.
        header = _HEADER.match(file.read(_MOST_HEADER))
        if not header or int.from_bytes(header["length"], "little") != len(header["literal"]):
            raise ValueError(f"{path.name} holds no token ids")
        kind, begin = np.dtype(header["kind"].decode()), header.end()
        size = os.fstat(file.fileno()).st_size - begin
        if int(header["count"]) != facts.tokens or size != facts.tokens * kind.itemsize:
            raise ValueError(f"{path.name} holds not so many token ids as parts.json says")
        return np.memmap(file, kind, "r", begin, (facts.tokens,))


_BLOCK_IDS = 1 << 20  # ids


def id_chunks(ids: npt.NDArray[np.integer], size: int = _BLOCK_IDS) -> Iterator[npt.NDArray[np.integer]]:
    """Stretches of `size` ids, one after the other; what of a file was read for them does not stay in memory."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
        _let_go(ids)


def _let_go(ids: npt.NDArray[np.integer]) -> None:
    """Tell the system that the pages of a memory-mapped file need not stay; they can be read again."""
    base: object = ids
    while isinstance(base, np.ndarray):
        base = base.base
    if sys.platform != "win32" and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
