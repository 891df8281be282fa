"""Save and load checkpoints: safetensors and JSON files in a folder of their own.

A checkpoint is written under a hidden name, flushed to the disk and renamed, so it is complete or absent.
``manifest.json`` is written last and has every file's size and SHA-256, so that a damaged checkpoint is detected and
an older one used instead.
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
    BEFORE_DECAY,
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

MIN_KEPT = 2  # checkpoints: the newest may turn out to be damaged
_DISK_BLOCK = 4096  # bytes


@dataclass(frozen=True)
class Checkpoint:
    """The state to resume training from: named tensors in groups (``weights``, ``optimizer``, …) and plain values."""

    tensors: dict[str, Tensors]
    state: dict[str, Any]

    @property
    def eval_weights(self) -> Tensors:
        """Return the weights to evaluate with: those that early stopping selected, the averaged or the last."""
        return next(self.tensors[group] for group in EVAL_GROUPS if self.tensors.get(group))


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int, every: int = 1) -> Path:
    """Write ``folder/step-N``, then delete older checkpoints as :func:`prune` does; return its path.

    Checkpoints of later steps are deleted too: they are damaged, or the run would have resumed from them.

    Raises:
        OSError: the disk is full or cannot be written to; older checkpoints are unchanged.
    """
    path = folder / f"step-{checkpoint.state['step']:08d}"
    _save(path, checkpoint)
    for other in newest_first(folder):
        if _step(other) > _step(path):
            with suppress(OSError):
                remove(other)
    prune(path, keep, every)
    return path


def save_before_decay(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write ``folder/before-decay``, from which a longer budget can continue; return its path.

    Raises:
        OSError: the disk is full or cannot be written to.
    """
    path = folder / BEFORE_DECAY
    _save(path, checkpoint)
    return path


def _save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint under a hidden name and rename it to `path`; remove what killed processes left."""
    folder = path.parent
    if not folder.exists():
        folder.mkdir()
        sync_folder(folder.parent)
    for pattern in (".step-*", f".{BEFORE_DECAY}"):
        for leftover in folder.glob(pattern):
            remove(leftover)
    hidden = folder / f".{path.name}"
    hidden.mkdir()
    try:
        _write_files(hidden, checkpoint)
        if path.exists():  # damaged, or of steps that are trained again: the run was resumed from an older one
            remove(path)
        os.rename(hidden, path)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    sync_folder(folder)


def prune(newest: Path, keep: int, every: int = 1) -> None:
    """Delete older checkpoints, so that `keep`, and at least two, are left.

    With ``keep=0`` every checkpoint of an `every`-th step stays, and only the others, which were saved by the clock,
    are pruned. A checkpoint whose files are missing or too short does not count as one that is left.
    """
    still_to_keep = max(keep, MIN_KEPT) - 1
    for old in newest_first(newest.parent):
        if _step(old) < _step(newest) and (keep or _step(old) % every):
            if not still_to_keep:
                remove(old)
            elif sizes_match(old):
                still_to_keep -= 1


def _step(path: Path) -> int:
    return step_of(path.name) or 0


def bytes_needed(checkpoint: Checkpoint) -> int:
    """Return the bytes that a checkpoint takes on a disk with blocks of 4 KiB."""
    contents = _contents(checkpoint)
    return _DISK_BLOCK * (1 + sum(-(-len(content) // _DISK_BLOCK) for content in contents.values()))


def load_newest(folder: Path, max_bytes: int = MAX_FILE_BYTES) -> tuple[Path, Checkpoint]:
    """Return the newest valid checkpoint and its path; no file of tensors may have more than `max_bytes`.

    Raises:
        OctavoError: there is none.
    """
    return newest_valid(folder, _parse, max_bytes)


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


def _parse(contents: Contents) -> Checkpoint:
    try:
        state = parse_object(contents.pop(STATE), {"step": int})
        if "step" not in state:
            raise ValueError("it has no step")
    except ValueError as error:
        raise ValueError(f"{STATE} is damaged: {error}") from None
    if "weights.safetensors" not in contents:
        raise ValueError("it has no weights")
    return Checkpoint({name.removesuffix(".safetensors"): load(c) for name, c in contents.items()}, state)


def model_of(weights: Tensors, config: Config, vocab_size: int) -> Transformer:
    """Return a model with these `weights`. Their shapes are checked before it takes memory.

    Raises:
        OctavoError: the weights are not those of such a model.
    """
    check_shapes({name: tuple(w.shape) for name, w in weights.items()}, config.model, vocab_size)
    model = Transformer(config.model, vocab_size)
    load_weights(model, weights)
    return model
