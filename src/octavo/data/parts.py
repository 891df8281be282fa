"""The parts of a text as tokens on disk: train, validation and test, each with the text it came from.

A run keeps both, so that it can be scored, resumed and examined when the original file is gone:
``NAME.npy`` (token ids, memory-mapped when read), ``NAME.txt`` (UTF-8) and ``parts.json`` (what they hold).
"""

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from octavo.corpus import Part
from octavo.data.blocks import blocks
from octavo.errors import OctavoError
from octavo.files import write_atomically
from octavo.tokenizer import Tokenizer

NAMES = ("train", "validation", "test")
Ids = npt.NDArray[np.integer]
_HELD = 1 << 22  # ids in memory; more are in a file


@dataclass(frozen=True)
class PartFacts:
    """What ``parts.json`` says of one part. `documents` counts segments, a document cut by a border twice."""

    characters: int
    bytes: int
    tokens: int
    documents: int
    sha256: str


@dataclass(frozen=True)
class TokenPart:
    """One part: its token ids, each document begun by the tokenizer's start token, and its facts."""

    name: str
    ids: Ids
    facts: PartFacts
    folder: Path

    @property
    def text(self) -> str:
        """The part's text, read from the run."""
        return (self.folder / f"{self.name}.txt").read_bytes().decode("utf-8")

    def beginning(self, characters: int) -> str:
        """The first characters of :attr:`text`, without reading all of it."""
        with (self.folder / f"{self.name}.txt").open("rb") as file:
            raw = file.read(4 * characters)  # UTF-8 has at most four bytes a character
        return raw.decode("utf-8", errors="ignore")[:characters]  # the last one may have been cut


def tokenize(tokenizer: Tokenizer, part: Part) -> Ids:
    """The ids of a part's segments, each after the start token if the tokenizer has one.

    Very many of them are in a temporary file, which has no name and goes when they do.

    Raises:
        OctavoError: there is no room for it.
    """
    arrays, kind = _id_arrays(tokenizer, part), id_type(tokenizer)
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


def _id_arrays(tokenizer: Tokenizer, part: Part) -> Iterator[Ids]:
    kind = id_type(tokenizer)
    for segment in part.segments:
        if tokenizer.start_id is not None:
            yield np.array([tokenizer.start_id], dtype=kind)
        for ids in tokenizer.encode_stream(segment):
            yield ids.astype(kind)


def documents(ids: Ids, start_id: int | None) -> list[Ids]:
    """Cut a part's ids where a document begins, and leave the start tokens out."""
    if start_id is None:
        return [ids]
    pieces = np.split(ids, np.flatnonzero(ids == start_id))
    return [kept for piece in pieces if len(kept := piece[piece != start_id])]


def id_type(tokenizer: Tokenizer) -> type[np.unsignedinteger]:
    """The smallest kind of number that holds every id."""
    return np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32


def save_parts(folder: Path, parts: dict[str, tuple[Part, Ids]]) -> None:
    """Write each part's ids and text into `folder`, and last the facts.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {}
    for name, (part, ids) in parts.items():
        read = _Read()
        write_atomically(folder / f"{name}.txt", read.encoded(part))
        write_atomically(folder / f"{name}.npy", _as_file(ids))
        digest = read.digest.hexdigest()
        facts[name] = asdict(PartFacts(read.characters, read.bytes, len(ids), len(part.segments), digest))
    write_atomically(folder / "parts.json", json.dumps(facts, indent=1).encode())


class _Read:
    """A text as it goes by: how long it is, and its fingerprint."""

    def __init__(self) -> None:
        self.characters = self.bytes = 0
        self.digest = hashlib.sha256()

    def encoded(self, part: Part) -> Iterator[bytes]:
        """Its UTF-8."""
        for piece in part.pieces():
            raw = piece.encode("utf-8")
            self.characters += len(piece)
            self.bytes += len(raw)
            self.digest.update(raw)
            yield raw


def _as_file(ids: Ids) -> Iterator[bytes | memoryview]:
    """What np.save writes."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(ids))
    yield head.getvalue()
    for block in blocks(ids):
        yield np.ascontiguousarray(block).data


def open_parts(folder: Path) -> dict[str, TokenPart]:
    """Open what :func:`save_parts` wrote, ids memory-mapped.

    Raises:
        OctavoError: a file is missing or is not what Octavo wrote.
    """
    try:
        facts = json.loads((folder / "parts.json").read_text(encoding="utf-8"))
        return {
            name: TokenPart(name, _open_ids(folder / f"{name}.npy"), PartFacts(**facts[name]), folder)
            for name in NAMES
            if name in facts or name != "test"
        }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OctavoError(f"{folder} does not hold a run's data ({error}): train the run again") from None


def _open_ids(path: Path) -> Ids:
    ids: Ids = np.lib.format.open_memmap(path, mode="r")  # np.load would also open archives and pickles
    if ids.ndim != 1 or ids.dtype not in (np.uint16, np.uint32):
        raise ValueError(f"{path.name} holds no token ids")
    return ids
