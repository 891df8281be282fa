"""Each of Octavo's file readers alone, given any bytes, in this process, so that very many mutants can be read.

A reader refuses in its own way what it cannot take, or makes something of it; what it made must then mean the same
when it is read once more, by itself or by somebody else's reader of that format.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import deserialize
from safetensors.numpy import save

from octavo.config import Config, config_from_toml
from octavo.corpus.encoding_advice import decode_text
from octavo.data.token_files import TokenSplit, open_splits
from octavo.errors import OctavoError
from octavo.formats.json_schema import parse_object
from octavo.formats.toml_schema import to_toml
from octavo.formats.untrusted import parse_json
from octavo.runs.metrics import Record, read_metrics
from octavo.runs.provenance import PROVENANCE
from octavo.runs.safetensors_layout import TensorRange, check_finite_tensors, read_layout
from octavo.tokenizer import Tokenizer, load_tokenizer

TENSORS = "weights.safetensors"
_IDS = 64
_SAID = "To be, or 😀\n"


@dataclass(frozen=True)
class Reader:
    """A reader: the file that it reads, the function, its errors, and a check of its result."""

    file: str
    read: Callable[[Path], Any]
    holds: Callable[[Any, bytes, Path], bool]
    refusals: tuple[type[Exception], ...] = (OctavoError,)

    def takes(self, content: bytes, folder: Path) -> bool:
        """Return whether it accepts a file with that content, which is written to `folder`.

        Raises:
            AssertionError: it made something else of it than is there.
            Exception: it does not refuse as it should.
        """
        place = folder / self.file
        place.write_bytes(content)
        try:
            made = self.read(place)
        except self.refusals:
            return False
        assert self.holds(made, content, place), f"{self.file} was read as {made!r:.500}"
        return True


def _same_settings(config: Config, content: bytes, place: Path) -> bool:
    return config_from_toml(to_toml(config), "config.toml") == config


def _same_json(value: Any, content: bytes, place: Path) -> bool:
    again = parse_json(json.dumps(value, ensure_ascii=False).encode())
    return bool(json.loads(content) == value == again)


def _every_line(records: list[Record], content: bytes, place: Path) -> bool:
    return len(records) == content.count(b"\n")


def _layout(place: Path) -> dict[str, TensorRange]:
    content = place.read_bytes()
    found = read_layout(content, TENSORS)
    check_finite_tensors(content, found)
    return found


def _same_tensors(layout: dict[str, TensorRange], content: bytes, place: Path) -> bool:
    found = deserialize(content)  # type: ignore[no-untyped-call]  # it has no types
    theirs = {name: (one["dtype"], tuple(one["shape"]), bytes(one["data"])) for name, one in found}
    return theirs == {name: (one.dtype, one.shape, content[one.begin : one.end]) for name, one in layout.items()}


def _can_be_used(tokenizer: Tokenizer, content: bytes, place: Path) -> bool:
    ids = tokenizer.encode(_SAID)
    known = int(ids.max()) < tokenizer.vocab_size == len(tokenizer.token_bytes())
    return known and (not tokenizer.lossless or tokenizer.decode(ids) == _SAID)


def _same_ids(parts: dict[str, TokenSplit], content: bytes, place: Path) -> bool:
    return np.array_equal(parts["train"].ids, np.load(place, allow_pickle=False))


def _so_many(parts: dict[str, TokenSplit], content: bytes, place: Path) -> bool:
    return all(len(part.ids) == part.facts.tokens for part in parts.values())


def _same_text(text: str, content: bytes, place: Path) -> bool:
    return text.encode() == content.removeprefix(b"\xef\xbb\xbf")


READERS = [
    Reader(
        "config.toml",
        lambda place: config_from_toml(place.read_bytes().decode("utf-8"), place.name),
        _same_settings,
        (OctavoError, UnicodeDecodeError),
    ),
    Reader("evaluation.json", lambda place: parse_json(place.read_bytes()), _same_json, (ValueError,)),
    Reader(
        "provenance.json",
        lambda place: parse_object(place.read_bytes(), PROVENANCE),
        _same_json,
        (ValueError,),
    ),
    Reader("metrics.jsonl", read_metrics, _every_line),
    Reader(TENSORS, _layout, _same_tensors, (ValueError,)),
    Reader("tokenizer.json", load_tokenizer, _can_be_used),
    Reader("data/train.npy", lambda place: open_splits(place.parent), _same_ids),
    Reader("data/parts.json", lambda place: open_splits(place.parent), _so_many),
    Reader("data/train.txt", lambda place: decode_text(place.read_bytes(), "utf-8", place.name), _same_text),
]


def seeds(run: Path, folder: Path) -> dict[str, bytes]:
    """Return a short valid file for each reader, from a run; `folder` gets the files that they depend on."""
    found = {reader.file: (run / reader.file).read_bytes() for reader in READERS if reader.file != TENSORS}
    facts = json.loads(found["data/parts.json"])
    (folder / "data").mkdir()
    for name in ("train", "validation"):
        ids = np.load(run / "data" / f"{name}.npy")[:_IDS]
        facts[name] |= {"tokens": len(ids), "ids_sha256": ""}  # as an earlier version wrote it
        np.save(folder / "data" / f"{name}.npy", ids)
    shorter = {
        "metrics.jsonl": b"".join(found["metrics.jsonl"].splitlines(keepends=True)[:3]),
        "data/parts.json": json.dumps(facts).encode(),
        "data/train.npy": (folder / "data" / "train.npy").read_bytes(),
        "data/train.txt": found["data/train.txt"][:200] + "é😀".encode(),
        TENSORS: save({"bias": np.ones(3, np.float32), "weight": np.zeros((2, 3), np.float32)}),
    }
    put_back(folder, shorter)
    return found | shorter


def put_back(folder: Path, files: dict[str, bytes]) -> None:
    """Restore the files that two readers share."""
    for name in ("data/parts.json", "data/train.npy"):
        (folder / name).write_bytes(files[name])
