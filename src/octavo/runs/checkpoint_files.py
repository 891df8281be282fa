"""Find the checkpoints of a run and verify their files against the sizes and SHA-256 in the manifest.

Importing this takes no torch.
"""

import errno
import hashlib
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from octavo.config import Config
from octavo.config.shapes import parameter_count
from octavo.errors import OctavoError, OctavoWarning, reason
from octavo.formats.json_schema import check_types, parse_object
from octavo.formats.untrusted import MAX_TEXT_BYTES, read_plain
from octavo.runs.safetensors_layout import check_finite_tensors, read_layout
from octavo.system.terminal import escape_controls

MANIFEST = "manifest.json"
BEFORE_DECAY = "before-decay"  # the checkpoint of the step before the learning rate falls, which is never pruned
STATE = "state.json"
GROUPS = ("weights", "optimizer", "averaged", "best")
EVAL_GROUPS = ("best", "averaged", "weights")  # a run is evaluated with the first of these groups that exists
MAX_FILE_BYTES = 2**40  # of a file of tensors, if no config gives a smaller limit

Contents = dict[str, bytes]
Parsed = TypeVar("Parsed")
_NAME = re.compile(r"step-([0-9]{8,})")
_FILES = {STATE, *(f"{group}.safetensors" for group in GROUPS)}
_FACTS: dict[str, Any] = {"bytes": int, "sha256": str}  # of each file in the manifest
_NOT_A_FILE = (errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EACCES)  # errors of a path that is no readable file


def step_of(name: str) -> int | None:
    """Return the step of a checkpoint by its folder's name; None if it is not the name of a checkpoint."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def newest_first(folder: Path) -> list[Path]:
    """Return the paths of all checkpoints, including damaged ones."""
    steps = {path: step for path in folder.glob("step-*") if (step := step_of(path.name)) is not None}
    return sorted(steps, key=lambda path: steps[path], reverse=True)


def newest_valid(
    folder: Path, parse: Callable[[Contents], Parsed], max_bytes: int = MAX_FILE_BYTES
) -> tuple[Path, Parsed]:
    """Return the path of the newest checkpoint whose files are intact, and what `parse` makes of them.

    If newer ones are damaged, a warning names them. No file of tensors may have more than `max_bytes`, see
    :func:`max_file_bytes`.

    Raises:
        OctavoError: there is no valid checkpoint, or a newer one cannot be read at the moment.
    """
    from safetensors import SafetensorError  # here, since the command line imports this module for every command

    damaged: dict[str, str] = {}
    for path in newest_first(folder):
        try:
            parsed = parse(read_valid(path, max_bytes))
        except (ValueError, KeyError, SafetensorError) as error:  # what parsers raise; anything else is a bug
            damaged[path.name] = escape_controls(str(error))
            continue
        except OSError as error:  # it may be intact, and training from an older one would delete it
            raise OctavoError(
                f"{path} cannot be read ({error.strerror}): try again, or delete it to use the one before"
            ) from error
        if damaged:
            newer = ", ".join(f"{name} cannot be used ({why})" for name, why in damaged.items())
            warnings.warn(f"{folder}: {newer}: {path.name} is used", OctavoWarning, stacklevel=3)
        return path, parsed
    if damaged:
        raise OctavoError(f"{folder} holds only damaged checkpoints ({', '.join(damaged)}): train the run again")
    raise OctavoError(f"{folder.parent} has no checkpoint: it stopped before the first one, so train it again")


def newest_is_damaged(folder: Path, max_bytes: int = MAX_FILE_BYTES) -> bool:
    """Return whether there are checkpoints and the newest is damaged.

    Raises:
        OSError: it cannot be read at the moment.
    """
    for newest in newest_first(folder)[:1]:
        try:
            read_valid(newest, max_bytes)
        except ValueError:
            return True
    return False


def sizes_match(path: Path) -> bool:
    """Return whether a checkpoint's files exist and have the sizes in its manifest; their contents are not read."""
    try:
        files = _parse_manifest(read_plain(path / MANIFEST, MAX_TEXT_BYTES, path.parent.parent))
        return all((path / name).stat().st_size == facts["bytes"] for name, facts in files.items())
    except (OSError, OctavoError, ValueError):
        return False


def max_file_bytes(config: Config) -> int:
    """Return the most bytes that a checkpoint file of such a run can have: two moments per parameter, and names."""
    parameters, tensors = parameter_count(config.model, config.tokenizer.vocab_size)
    return 3 * 4 * parameters + 1024 * tensors + MAX_TEXT_BYTES


def manifest(contents: Contents) -> bytes:
    """Return the content of the manifest of such files."""
    files = {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in contents.items()}
    return json.dumps({"files": files}, indent=1).encode()


def read_valid(path: Path, max_bytes: int = MAX_FILE_BYTES) -> Contents:
    """Return the contents of a checkpoint's files, without the manifest.

    Raises:
        ValueError: a file is missing, differs from what was written, or does not belong to a checkpoint.
        OSError: a file cannot be read at the moment.
    """
    run = path.parent.parent
    try:
        files = _parse_manifest(read_plain(path / MANIFEST, MAX_TEXT_BYTES, run))
        contents = {}
        for name, facts in files.items():
            content = read_plain(path / name, MAX_TEXT_BYTES if name == STATE else max_bytes, run)
            if len(content) != facts["bytes"]:
                raise ValueError(f"{name} has {len(content)} of its {facts['bytes']} bytes")
            if _sha256(content) != facts["sha256"]:
                raise ValueError(f"{name} differs from what was written (SHA-256)")
            if name != STATE:
                check_finite_tensors(content, read_layout(content, name))
            contents[name] = content
    except FileNotFoundError as error:
        raise ValueError(f"{Path(error.filename).name} is missing") from None
    except OctavoError as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise ValueError(reason(error, named=True)) from None
        raise
    return contents


def _parse_manifest(content: bytes) -> dict[str, dict[str, Any]]:
    """Return the size and hash of each file that a manifest names."""
    try:
        files: dict[str, dict[str, Any]] = parse_object(content, {"files": dict}).get("files", {})
        for facts in files.values():
            check_types(facts, _FACTS)
            if not _FACTS.keys() <= facts.keys():
                raise ValueError("a file has no size or hash")
    except ValueError:
        raise ValueError(f"{MANIFEST} is damaged") from None
    if not {STATE, "weights.safetensors"} <= files.keys() <= _FILES:
        raise ValueError(f"{MANIFEST} does not name the files of a checkpoint")
    return files


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
