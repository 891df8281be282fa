"""The splits of a corpus as token ids on disk: train, validation and test, each with the text it came from.

A run keeps both, so that it can be scored, resumed and analysed without the original file. Its folder ``data`` has

- ``NAME.npy``: the token ids of a split, memory-mapped when read,
- ``NAME.txt``: its text in UTF-8,
- ``parts.json``: the :class:`SplitFacts` of each, with hashes of both files.

Functions here work through the ids in chunks, so that splits larger than memory can be used.
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from octavo.corpus import CorpusSplit
from octavo.errors import OctavoError, reason
from octavo.formats.files import write_atomically
from octavo.formats.json_schema import from_json, parse_object
from octavo.formats.untrusted import MAX_TEXT_BYTES, open_plain, read_plain
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer
from octavo.tokenizer.base import STREAM_CHARACTERS

SPLIT_NAMES = ("train", "validation", "test")
Ids = npt.NDArray[np.integer]
_MAX_IDS_IN_MEMORY = 1 << 22  # more are kept in a temporary file
_READ_BYTES = 1 << 20  # of a text that are read at once
_CHUNK_IDS = 1 << 20  # ids
_MAX_HEADER_BYTES = 4096  # of a .npy file before its array
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"(?P<literal>\{'descr': '(?P<dtype><u[24])', 'fortran_order': False, 'shape': \((?P<ids>\d{1,15}),\), \} *\n)",
    re.DOTALL,
)


@dataclass(frozen=True)
class SplitFacts:
    """The record of one split in ``parts.json``.

    `documents` counts segments: a document that the border of a split cuts counts in both splits. `ends` counts those
    that end a document, if ends are learned and scored: all, or all but the last; 0: documents are files.
    """

    characters: int
    bytes: int
    tokens: int
    documents: int
    sha256: str  # of the text in UTF-8
    ids_sha256: str = ""  # of NAME.npy; "": written by an earlier version, which had no such hash
    ends: int = 0  # earlier versions scored none

    @property
    def characters_and_ends(self) -> int:
        """Return the number of characters, and one for each end of a document that is scored."""
        return self.characters + self.ends


@dataclass(frozen=True)
class TokenSplit:
    """One split of a run: its token ids, a BOS token before each document if the tokenizer has one, and its facts."""

    name: str
    ids: Ids
    facts: SplitFacts
    folder: Path
    _verified: bool = field(default=False, init=False, repr=False, compare=False)  # the text had the recorded hash

    @property
    def text(self) -> str:
        """Return the split's text.

        Raises:
            OctavoError: the file cannot be read, or its hash differs from the recorded one.
        """
        return "".join(self.iter_text())

    def beginning(self, characters: int) -> str:
        """Return the first `characters` of the text. The first call reads all of it, to verify its hash.

        Raises:
            OctavoError: the file cannot be read, or its hash differs from the recorded one.
        """
        text = ""
        for chunk in self.iter_text():
            text += chunk[: characters - len(text)]
            if self._verified and len(text) >= characters:
                break
        return text

    def iter_text(self) -> Iterator[str]:
        """Yield the text in chunks. Its hash is verified after the last one.

        Raises:
            OctavoError: the file cannot be read, or its hash differs from the recorded one.
        """
        path = self.folder / f"{self.name}.txt"
        digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
        try:
            with open_plain(path, self.facts.bytes, self.folder.parent) as file:
                while raw := file.read(_READ_BYTES):
                    digest.update(raw)
                    yield decoder.decode(raw)
            decoder.decode(b"", final=True)
        except (OSError, ValueError) as error:
            raise OctavoError(f"{path} cannot be read ({reason(error)}): train the run again") from None
        object.__setattr__(self, "_verified", digest.hexdigest() == self.facts.sha256)
        if not self._verified:
            raise OctavoError(f"{path} is not the text that was trained on: restore it, or train the run again")


def tokenize(tokenizer: Tokenizer, split: CorpusSplit, watch: ProgressCallback = no_progress) -> Ids:
    """Return the ids of a split's segments, each after a BOS token if the tokenizer has one.

    More than some million ids are memory-mapped from a temporary file, which disappears with the array. `watch`
    receives the fraction of the split that is done.

    Raises:
        OctavoError: the temporary file cannot be written.
    """
    arrays, dtype = _id_arrays(tokenizer, split, watch), id_type(tokenizer)
    in_memory, count = [np.empty(0, dtype)], 0
    for ids in arrays:
        in_memory.append(ids)
        count += len(ids)
        if count > _MAX_IDS_IN_MEMORY:
            break
    else:
        return np.concatenate(in_memory)
    try:
        with tempfile.TemporaryFile(prefix="octavo-") as file:
            file.writelines(ids.data for ids in chain(in_memory, arrays))
            file.flush()
            return np.memmap(file, dtype=dtype, mode="r")
    except OSError as error:
        raise OctavoError(
            f"the tokens cannot be written to {tempfile.gettempdir()} ({error.strerror}): free disk space, or set "
            "TMPDIR to a folder that has some"
        ) from None


def _id_arrays(tokenizer: Tokenizer, split: CorpusSplit, watch: ProgressCallback) -> Iterator[Ids]:
    dtype, done, total = id_type(tokenizer), 0, max(1, split.characters)
    for segment in split.segments:
        if tokenizer.bos_id is not None:
            yield np.array([tokenizer.bos_id], dtype=dtype)
        for number, ids in enumerate(tokenizer.encode_stream(segment), 1):
            watch((done + min(len(segment), number * STREAM_CHARACTERS)) / total)
            yield ids.astype(dtype)
        done += len(segment)


def documents(ids: Ids, bos_id: int | None) -> list[Ids]:
    """Return the documents of a split: its ids cut at each BOS token, without these tokens and empty documents.

    Example:
        >>> documents(np.array([0, 5, 6, 0, 7]), bos_id=0)
        [array([5, 6]), array([7])]
    """
    if bos_id is None:
        return [ids]
    with_bos = np.split(ids, np.flatnonzero(ids == bos_id))
    return [tokens for document in with_bos if len(tokens := document[document != bos_id])]


def id_type(tokenizer: Tokenizer) -> type[np.unsignedinteger]:
    """Return the smallest data type that holds every id of a tokenizer."""
    return np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32


def save_splits(folder: Path, splits: dict[str, tuple[CorpusSplit, Ids]]) -> None:
    """Write the ids and the text of each split into `folder`, and then the facts.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {}
    for name, (split, ids) in splits.items():
        text, array = _Hashed(chunk.encode("utf-8") for chunk in split.iter_text()), _Hashed(_npy_chunks(ids))
        write_atomically(folder / f"{name}.txt", text)
        write_atomically(folder / f"{name}.npy", array)
        hashes = text.digest.hexdigest(), array.digest.hexdigest()
        counts = split.characters, text.bytes, len(ids), len(split.segments)
        facts[name] = asdict(SplitFacts(*counts, *hashes, ends=split.ends))
    write_atomically(folder / "parts.json", json.dumps(facts, indent=1).encode())


def copy_split(split: TokenSplit, folder: Path) -> None:
    """Write one split of another run into `folder`, as :func:`save_splits` does.

    Raises:
        OctavoError: its text is damaged.
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{split.name}.txt", (chunk.encode("utf-8") for chunk in split.iter_text()))
    array = _Hashed(_npy_chunks(split.ids))
    write_atomically(folder / f"{split.name}.npy", array)
    facts = asdict(split.facts) | {"ids_sha256": array.digest.hexdigest()}
    write_atomically(folder / "parts.json", json.dumps({split.name: facts}, indent=1).encode())


class _Hashed:
    """An iterable of chunks that counts and hashes their bytes while it is consumed."""

    def __init__(self, chunks: Iterable[bytes | memoryview]) -> None:
        self._chunks, self.bytes, self.digest = chunks, 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            self.bytes += memoryview(chunk).nbytes
            self.digest.update(chunk)
            yield chunk


def _npy_chunks(ids: Ids) -> Iterator[bytes | memoryview]:
    """Yield what ``np.save`` writes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(ids))
    yield header.getvalue()
    for chunk in id_chunks(ids):
        yield np.ascontiguousarray(chunk).data


def open_splits(folder: Path, names: Sequence[str] = SPLIT_NAMES) -> dict[str, TokenSplit]:
    """Open what :func:`save_splits` wrote, with the ids memory-mapped and their hashes verified.

    `names` are the splits that must be there; the test split may be missing.

    Raises:
        OctavoError: a file is missing, or differs from what Octavo wrote.
    """
    try:
        entries = parse_object(read_plain(folder / "parts.json", MAX_TEXT_BYTES, folder.parent), {})
        names = [name for name in names if name in entries or name != "test"]
        facts = {name: from_json(SplitFacts, entries[name]) for name in names}
        return {name: TokenSplit(name, _open_ids(folder, name, facts[name]), facts[name], folder) for name in facts}
    except (OctavoError, OSError, ValueError, KeyError) as error:
        raise OctavoError(
            f"{folder} does not hold a run's data ({reason(error, named=True)}): train the run again"
        ) from None


def check_ids(splits: Mapping[str, TokenSplit], vocab_size: int) -> None:
    """Check that every id is in the vocabulary, because a model would read outside its embedding otherwise.

    Raises:
        OctavoError: a split has an id of `vocab_size` or more.
    """
    for split in splits.values():
        if any(chunk.max() >= vocab_size for chunk in id_chunks(split.ids)):
            raise OctavoError(f"{split.folder / split.name}.npy has ids beyond the vocabulary: train the run again")


def _open_ids(folder: Path, name: str, facts: SplitFacts) -> Ids:
    """Memory-map ``NAME.npy``.

    Raises:
        OctavoError: the path is not a plain file.
        ValueError: the file differs from what `facts` record.
    """
    path = folder / f"{name}.npy"
    if min(facts.characters, facts.bytes, facts.tokens + 1, facts.documents) < 1:
        raise ValueError(f"parts.json has a count below 1 for {name}")
    if facts.ends and facts.documents - facts.ends not in (0, 1):
        raise ValueError(f"parts.json has a wrong number of document ends for {name}")
    with open_plain(path, _MAX_HEADER_BYTES + 4 * facts.tokens, folder.parent) as file:
        if facts.ids_sha256 and hashlib.file_digest(file, "sha256").hexdigest() != facts.ids_sha256:
            raise ValueError(f"{path.name} is damaged")
        file.seek(0)
        # NumPy's own reader also opens archives and pickles, and evaluates the header as a Python literal.
        header = _NPY_HEADER.match(file.read(_MAX_HEADER_BYTES))
        if not header or int.from_bytes(header["length"], "little") != len(header["literal"]):
            raise ValueError(f"{path.name} holds no token ids")
        dtype, begin = np.dtype(header["dtype"].decode()), header.end()
        size = os.fstat(file.fileno()).st_size - begin
        if int(header["ids"]) != facts.tokens or size != facts.tokens * dtype.itemsize:
            raise ValueError(f"{path.name} does not hold the {facts.tokens:,} token ids that parts.json records")
        return np.memmap(file, dtype, "r", begin, (facts.tokens,))


def id_chunks(ids: Ids, size: int = _CHUNK_IDS) -> Iterator[Ids]:
    """Yield consecutive slices of `size` ids. Pages of a memory-mapped file are released after each one."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
        _release_pages(ids)


def _release_pages(ids: Ids) -> None:
    """Let the system drop the pages of a memory-mapped array; they are read from the file again when used."""
    base: object = ids
    while isinstance(base, np.ndarray):
        base = base.base
    if sys.platform != "win32" and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
