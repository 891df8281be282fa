"""Where a run's checkpoints lie, whole or not. Importing this takes nothing heavy.

Which checkpoint of a run is whole: its files against the sizes and SHA-256 in its manifest.

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
from octavo.runs.safetensors_layout import check_finite, read_layout
from octavo.system.terminal import escape_controls

_NAME = re.compile(r"step-([0-9]{8,})")


def step_of(name: str) -> int | None:
    """The step of a checkpoint of that name; None: it is none's."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def newest_first(folder: Path) -> list[Path]:
    """All checkpoints, whole or not."""
    steps = {place: step for place in folder.glob("step-*") if (step := step_of(place.name)) is not None}
    return sorted(steps, key=lambda place: steps[place], reverse=True)


MANIFEST = "manifest.json"
STATE = "state.json"
GROUPS = ("weights", "optimizer", "averaged", "best")
EVAL_GROUPS = ("best", "averaged", "weights")  # groups that a run is used with, the first that there is
MAX_FILE_BYTES = 2**40  # bytes of a file of tensors, where no config says

Contents = dict[str, bytes]
Read = TypeVar("Read")
_FILES = {STATE, *(f"{group}.safetensors" for group in GROUPS)}
_FACTS: dict[str, Any] = {"bytes": int, "sha256": str}  # that the manifest has of each file
_SOMETHING_ELSE = (
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENXIO,
    errno.EACCES,
)  # what the system says where a file should be


def newest_valid(folder: Path, read: Callable[[Contents], Read], most: int = MAX_FILE_BYTES) -> tuple[Path, Read]:
    """The newest checkpoint whose files are as they were written, and what `read` makes of them.

    A warning names it, and what is wrong with those that are newer, if there are any. `most` bytes of a file of
    tensors are read, see :func:`max_file_bytes`.

    Raises:
        OctavoError: there is none, or a newer one cannot be read just now.
    """
    from safetensors import SafetensorError  # here, since the command line imports this module for every command

    damaged: dict[str, str] = {}
    for place in newest_first(folder):
        try:
            found = read(read_valid(place, most))
        except (
            ValueError,
            KeyError,
            SafetensorError,
        ) as error:  # of parsers; others are mistakes of ours
            damaged[place.name] = escape_controls(str(error))
            continue
        except OSError as error:  # it may be whole: whoever trained on from an older one would delete it
            raise OctavoError(
                f"{place} cannot be read ({error.strerror}): try again, or delete it to use the one before"
            ) from error
        if damaged:
            newer = ", ".join(f"{name} cannot be used ({why})" for name, why in damaged.items())
            warnings.warn(f"{folder}: {newer}: {place.name} is used", OctavoWarning, stacklevel=3)
        return place, found
    if damaged:
        raise OctavoError(f"{folder} holds only damaged checkpoints ({', '.join(damaged)}): train the run again")
    raise OctavoError(f"{folder.parent} has no checkpoint yet: it stopped before the first one, so train it again")


def newest_is_damaged(folder: Path, most: int = MAX_FILE_BYTES) -> bool:
    """Whether there are checkpoints and the newest is not whole.

    Raises:
        OSError: it cannot be read just now.
    """
    for newest in newest_first(folder)[:1]:
        try:
            read_valid(newest, most)
        except ValueError:
            return True
    return False


def sizes_match(place: Path) -> bool:
    """Whether a checkpoint's files are there and as long as its manifest says; what they hold is not read."""
    try:
        files = _files_of(read_plain(place / MANIFEST, MAX_TEXT_BYTES, place.parent.parent))
        return all((place / name).stat().st_size == facts["bytes"] for name, facts in files.items())
    except (OSError, OctavoError, ValueError):
        return False


def max_file_bytes(config: Config) -> int:
    """What a file of a checkpoint of such a run can have at most: two moments for each parameter, and names."""
    parameters, tensors = parameter_count(config.model, config.tokenizer.vocab_size)
    return 3 * 4 * parameters + 1024 * tensors + MAX_TEXT_BYTES


def manifest(contents: Contents) -> bytes:
    """What the manifest says of files."""
    files = {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in contents.items()}
    return json.dumps({"files": files}, indent=1).encode()


def read_valid(place: Path, most: int = MAX_FILE_BYTES) -> Contents:
    """The files of a checkpoint but for its manifest.

    Raises:
        ValueError: one is missing, is not as it was written, or is none of a checkpoint's.
        OSError: one cannot be read just now.
    """
    run = place.parent.parent
    try:
        files = _files_of(read_plain(place / MANIFEST, MAX_TEXT_BYTES, run))
        contents = {}
        for name, facts in files.items():
            content = read_plain(place / name, MAX_TEXT_BYTES if name == STATE else most, run)
            if len(content) != facts["bytes"]:
                raise ValueError(f"{name} has {len(content)} of its {facts['bytes']} bytes")
            if _sha256(content) != facts["sha256"]:
                raise ValueError(f"{name} is not what was written: its SHA-256 is another")
            if name != STATE:
                check_finite(content, read_layout(content, name))
            contents[name] = content
    except FileNotFoundError as error:
        raise ValueError(f"{Path(error.filename).name} is missing") from None
    except OctavoError as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        if error.errno in _SOMETHING_ELSE:
            raise ValueError(reason(error, named=True)) from None
        raise
    return contents


def _files_of(content: bytes) -> dict[str, dict[str, Any]]:
    try:
        files: dict[str, dict[str, Any]] = parse_object(content, {"files": dict}).get("files", {})
        for facts in files.values():
            check_types(facts, _FACTS)
            if not _FACTS.keys() <= facts.keys():
                raise ValueError("a file has no size or hash")
    except ValueError:
        raise ValueError(f"{MANIFEST} does not say what it should") from None
    if not {STATE, "weights.safetensors"} <= files.keys() <= _FILES:
        raise ValueError(f"{MANIFEST} does not name the files of a checkpoint")
    return files


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
