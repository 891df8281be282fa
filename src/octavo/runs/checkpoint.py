"""Checkpoints: safetensors and JSON in a folder of its own, whole or not there at all.

A checkpoint is written beside its place, flushed to the disk and renamed. ``manifest.json`` is written last
and holds every file's size and SHA-256, so that a damaged one is known and an older one is used.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from octavo.errors import OctavoError
from octavo.files import sync_folder

Tensors = dict[str, torch.Tensor]
_MANIFEST = "manifest.json"
_STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """What training needs to go on: groups of named tensors (``weights``, ``optimizer``, …) and plain values."""

    tensors: dict[str, Tensors]
    state: dict[str, Any]

    @property
    def usable_weights(self) -> Tensors:
        """The weights a run is used with: picked by early stopping, else averaged, else the last ones."""
        return next(self.tensors[g] for g in ("best", "averaged", "weights") if self.tensors.get(g))


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write ``folder/step-N``, then delete all but the newest `keep` (0: none is deleted).

    Raises:
        OSError: the disk is full or cannot be written to; older checkpoints are as they were.
    """
    place = folder / f"step-{checkpoint.state['step']:08d}"
    if not folder.exists():
        folder.mkdir()
        sync_folder(folder.parent)
    for left_over in folder.glob(".step-*"):  # of a process that died while it saved
        shutil.rmtree(left_over)
    beside = folder / f".{place.name}"
    beside.mkdir()
    try:
        _write_files(beside, checkpoint)
        if place.exists():  # a run that was resumed from an older checkpoint comes by here again
            shutil.rmtree(place)
        os.rename(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(folder)
    for old in _newest_first(folder)[keep:] if keep else []:
        shutil.rmtree(old)
    return place


def load_newest(folder: Path) -> tuple[Path, Checkpoint]:
    """The newest checkpoint that is whole.

    Raises:
        OctavoError: there is none.
    """
    damaged = []
    for place in _newest_first(folder):
        try:
            return place, _read(place)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
            damaged.append(place.name)
    if damaged:
        raise OctavoError(f"{folder} holds only damaged checkpoints ({', '.join(damaged)}): train the run again")
    raise OctavoError(f"{folder.parent} has no checkpoint yet: it stopped before the first one, so train it again")


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    contents = {f"{name}.safetensors": save(group) for name, group in checkpoint.tensors.items() if group}
    contents[_STATE] = json.dumps(checkpoint.state, indent=1, allow_nan=False).encode()
    files = {name: {"bytes": len(c), "sha256": _sha256(c)} for name, c in contents.items()}
    contents[_MANIFEST] = json.dumps({"files": files}, indent=1).encode()
    for name, content in contents.items():
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _read(place: Path) -> Checkpoint:
    files = json.loads((place / _MANIFEST).read_bytes())["files"]
    contents = {}
    for name, facts in files.items():
        content = (place / Path(name).name).read_bytes()
        if len(content) != facts["bytes"] or _sha256(content) != facts["sha256"]:
            raise ValueError(f"{name} is damaged")
        contents[name] = content
    state = json.loads(contents.pop(_STATE))
    return Checkpoint({name.removesuffix(".safetensors"): load(c) for name, c in contents.items()}, state)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), key=lambda p: p.name, reverse=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
