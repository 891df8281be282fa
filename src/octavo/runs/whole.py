"""Which checkpoint of a run is whole: its files against the sizes and SHA-256 in its manifest.

Importing this takes no torch.
"""

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError

from octavo.errors import OctavoError, OctavoWarning
from octavo.terminal import shown

MANIFEST = "manifest.json"
USABLE = ("best", "averaged", "weights")  # groups that a run is used with, the first that there is

Contents = dict[str, bytes]
Read = TypeVar("Read")


def newest_whole(folder: Path, read: Callable[[Contents], Read]) -> tuple[Path, Read]:
    """The newest checkpoint whose files are as they were written, and what `read` makes of them.

    A warning names it, and what is wrong with those that are newer, if there are any.

    Raises:
        OctavoError: there is none.
    """
    damaged: dict[str, str] = {}
    for place in newest_first(folder):
        try:
            found = read(_contents(place))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            damaged[place.name] = shown(str(error))
            continue
        if damaged:
            newer = ", ".join(f"{name} cannot be used ({why})" for name, why in damaged.items())
            warnings.warn(f"{folder}: {newer}: {place.name} is used", OctavoWarning, stacklevel=3)
        return place, found
    if damaged:
        raise OctavoError(f"{folder} holds only damaged checkpoints ({', '.join(damaged)}): train the run again")
    raise OctavoError(f"{folder.parent} has no checkpoint yet: it stopped before the first one, so train it again")


def newest_first(folder: Path) -> list[Path]:
    """All checkpoints, whole or not."""
    return sorted(folder.glob("step-*"), key=lambda p: p.name, reverse=True)


def manifest(contents: Contents) -> bytes:
    """What the manifest says of files."""
    files = {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in contents.items()}
    return json.dumps({"files": files}, indent=1).encode()


def _contents(place: Path) -> Contents:
    try:
        files = json.loads(_read(place / MANIFEST))["files"]
        kept = {name: (facts["bytes"], facts["sha256"]) for name, facts in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{MANIFEST} does not say what it should") from None
    contents = {}
    for name, (size, sha256) in kept.items():
        content = _read(place / Path(name).name)
        if len(content) != size:
            raise ValueError(f"{name} has {len(content)} of its {size} bytes")
        if _sha256(content) != sha256:
            raise ValueError(f"{name} is not what was written: its SHA-256 is another")
        contents[name] = content
    return contents


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OSError(f"{path.name}: {error.strerror}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
