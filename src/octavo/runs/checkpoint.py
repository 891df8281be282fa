"""Checkpoints: safetensors and JSON in a folder of its own, whole or not there at all.

A checkpoint is written beside its place, flushed to the disk and renamed. ``manifest.json`` is written last
and holds every file's size and SHA-256, so that a damaged one is known and an older one is used.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from octavo.config import Config
from octavo.formats.files import remove, sync_folder
from octavo.formats.json_schema import parse_object
from octavo.model import Transformer
from octavo.model.weights import Tensors, load_weights
from octavo.runs.checkpoint_files import (
    EVAL_GROUPS,
    MANIFEST,
    MAX_FILE_BYTES,
    STATE,
    Contents,
    manifest,
    newest_first,
    newest_valid,
    sizes_match,
    step_of,
)
from octavo.runs.safetensors_layout import check_shapes

MIN_KEPT = 2  # that are kept: the newest may turn out to be damaged
_BLOCK = 4096


@dataclass(frozen=True)
class Checkpoint:
    """What training needs to go on: groups of named tensors (``weights``, ``optimizer``, …) and plain values."""

    tensors: dict[str, Tensors]
    state: dict[str, Any]

    @property
    def eval_weights(self) -> Tensors:
        """The weights a run is used with: picked by early stopping, else averaged, else the last ones."""
        return next(self.tensors[g] for g in EVAL_GROUPS if self.tensors.get(g))


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int, every: int = 1) -> Path:
    """Write ``folder/step-N``, then delete older ones as :func:`prune` does.

    Those of later steps are not whole, or this run would have gone on from them: they go too.

    Raises:
        OSError: the disk is full or cannot be written to; older checkpoints are as they were.
    """
    place = folder / f"step-{checkpoint.state['step']:08d}"
    if not folder.exists():
        folder.mkdir()
        sync_folder(folder.parent)
    for left_over in folder.glob(".step-*"):  # of a process that died while it saved
        remove(left_over)
    beside = folder / f".{place.name}"
    beside.mkdir()
    try:
        _write_files(beside, checkpoint)
        if place.exists():  # a run that was resumed from an older checkpoint comes by here again
            remove(place)
        os.rename(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(folder)
    for later in [one for one in newest_first(folder) if _step(one) > _step(place)]:
        with suppress(OSError):
            remove(later)
    prune(place, keep, every)
    return place


def prune(newest: Path, keep: int, every: int = 1) -> None:
    """Delete checkpoints older than `newest`, but for so many that `keep` and two at least are left.

    With a `keep` of 0 those of each `every`-th step all stay, and only of the others, which the clock asked for, the
    older ones go. A checkpoint that lacks files or parts of them does not count.
    """
    left = max(keep, MIN_KEPT) - 1
    for old in newest_first(newest.parent):
        if _step(old) < _step(newest) and (keep or _step(old) % every):
            if not left:
                remove(old)
            elif sizes_match(old):
                left -= 1


def _step(place: Path) -> int:
    return step_of(place.name) or 0


def bytes_needed(checkpoint: Checkpoint) -> int:
    """What a checkpoint takes of a disk whose blocks are 4 KiB."""
    contents = _contents(checkpoint)
    return _BLOCK * (1 + sum(-(-len(content) // _BLOCK) for content in contents.values()))


def load_newest(folder: Path, most: int = MAX_FILE_BYTES) -> tuple[Path, Checkpoint]:
    """The newest checkpoint that is whole, of files of tensors of at most `most` bytes.

    Raises:
        OctavoError: there is none.
    """
    return newest_valid(folder, _read, most)


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    for name, content in _contents(checkpoint).items():
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _contents(checkpoint: Checkpoint) -> Contents:
    contents = {f"{name}.safetensors": save(group) for name, group in checkpoint.tensors.items() if group}
    contents[STATE] = json.dumps(checkpoint.state, indent=1, allow_nan=False).encode()
    contents[MANIFEST] = manifest(contents)
    return contents


def _read(contents: Contents) -> Checkpoint:
    try:
        state = parse_object(contents.pop(STATE), {"step": int})
        if "step" not in state:
            raise ValueError("it has no step")
    except ValueError as error:
        raise ValueError(f"{STATE} is damaged: {error}") from None
    if "weights.safetensors" not in contents:
        raise ValueError("it holds no weights")
    return Checkpoint({name.removesuffix(".safetensors"): load(c) for name, c in contents.items()}, state)


def model_of(weights: Tensors, config: Config, vocab_size: int) -> Transformer:
    """The model with these `weights`, which are seen to be its own before it takes memory.

    Raises:
        OctavoError: they are not.
    """
    check_shapes({name: tuple(w.shape) for name, w in weights.items()}, config.model, vocab_size)
    model = Transformer(config.model, vocab_size)
    load_weights(model, weights)
    return model
