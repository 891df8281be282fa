"""Files that somebody else may have made, read so that they can do no harm.

A run can come from anywhere. What is read of it is a plain file within its folder, of a size that makes sense, and
JSON that means one thing only. Nothing, here or elsewhere, is unpickled. Importing this takes nothing heavy.
"""

import json
import math
import os
import re
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.system.hardware import machine_memory

MAX_CONFIG_BYTES = 2**14  # bytes of a config: the time to read TOML can grow with their square
MAX_TEXT_BYTES = 2**20  # bytes of a file that a person could read: facts, a score
MAX_LOG_BYTES = 2**28  # bytes of a log: months of training
_MAX_DEPTH = 32  # values within values, or folders within folders
MAX_JSON_VALUES = 8_000_000  # in one file: Python needs up to two hundred bytes for each
_MAX_INTEGER = 2**63 - 1
_MAX_ENTRIES = 100_000  # of a run's folder and those in it
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def open_plain(path: Path, most: int, within: Path) -> BufferedReader:
    """Open a plain file of at most `most` bytes that lies in the folder `within`, links followed.

    Raises:
        OctavoError: it is a link out of the folder, no plain file, or larger than that or than the machine's memory.
        OSError: it is not there or cannot be read.
    """
    if not _is_inside(path, within):
        raise OctavoError(f"{path} is a link out of the run's folder: put the file itself there")
    # A pipe that nobody writes to would be waited for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OctavoError(f"{path} is not a plain file: put back what was there")
        most = min(most, machine_memory() or most)
        if found.st_size > most:
            raise OctavoError(f"{path} has {found.st_size:,} bytes, where {most:,} are the most: it is none of a run")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path, most: int, within: Path) -> bytes:
    """All of such a file, as long as it is when it is opened.

    Raises:
        OctavoError, OSError: as :func:`open_plain`.
    """
    with open_plain(path, most, within) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def parse_json(content: bytes) -> Any:
    """The one value that `content` holds.

    Raises:
        ValueError: it is not JSON in UTF-8, names a key of an object twice, nests too deep, has too many values, or
            a number that is none, infinite or does not fit into 64 bits, or half a surrogate pair.
    """
    if count_values(content) > MAX_JSON_VALUES:
        raise ValueError("it has too many values")
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_int=_parse_integer,
            parse_float=_parse_finite,
            parse_constant=_parse_finite,
        )
    except RecursionError:
        raise ValueError("it nests too deep") from None
    _check_depth(value)
    if _SURROGATE.search(content):
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return value


def count_values(content: bytes) -> int:
    """How many values JSON has, or a few more: each but the first of a list or an object follows a comma."""
    return sum(map(content.count, (b",", b"[", b"{")))


def check_folder(folder: Path) -> None:
    """See that a run's folder holds plain files and folders alone, so that what is written there stays there.

    Raises:
        OctavoError: it holds a link out of it, a pipe or a device, or more or deeper folders than a run could.
    """
    for count, entry in enumerate(_walk_entries(folder)):
        if count > _MAX_ENTRIES:
            raise OctavoError(f"{folder} holds more than {_MAX_ENTRIES:,} files: it is not the folder of a run")
        if entry.is_symlink() and not _is_inside(Path(entry.path), folder):
            raise OctavoError(f"{entry.path} is a link out of the run's folder: put the file itself there")
        if not entry.is_dir() and not entry.is_file():
            raise OctavoError(f"{entry.path} is not a plain file: remove it")


def _walk_entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """All that it and the folders in it hold, with one of them open at a time."""
    waiting = [(str(folder), 1)]
    while waiting:
        place, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise OctavoError(f"{folder} holds folders within folders within folders: it is not the folder of a run")
        with os.scandir(place) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("it names a key of an object twice")
    return made


def _parse_integer(digits: str) -> int:
    value = int(digits)
    if abs(value) > _MAX_INTEGER:
        raise ValueError("it has a number that does not fit into 64 bits")
    return value


def _parse_finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("it has a number that is none or infinite")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for outer in level:
            if isinstance(outer, dict):
                inner += outer.values()
            elif isinstance(outer, list):
                inner += outer
        if not inner:
            return
        level = inner
    raise ValueError("it nests too deep")
