"""Which checkpoint of a run is whole: its files against the sizes and SHA-256 in its manifest.

Importing this takes no torch.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError

from octavo.errors import OctavoError

MANIFEST = "manifest.json"
USABLE = ("best", "averaged", "weights")  # groups that a run is used with, the first that there is

Contents = dict[str, bytes]
Read = TypeVar("Read")


def newest_whole(folder: Path, read: Callable[[Contents], Read]) -> tuple[Path, Read]:
    """The newest checkpoint whose files are as they were written, and what `read` makes of them.

    Raises:
        OctavoError: there is none.
    """
    damaged = []
    for place in newest_first(folder):
        try:
            return place, read(_contents(place))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
            damaged.append(place.name)
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
    files = json.loads((place / MANIFEST).read_bytes())["files"]
    contents = {}
    for name, facts in files.items():
        content = (place / Path(name).name).read_bytes()
        if len(content) != facts["bytes"] or _sha256(content) != facts["sha256"]:
            raise ValueError(f"{name} is damaged")
        contents[name] = content
    return contents


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
