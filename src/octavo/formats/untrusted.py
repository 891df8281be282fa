"""Read files from untrusted sources safely.

A run can come from anywhere. Only regular files within its folder are read, up to a limit of size, and only JSON that
is unambiguous. Nothing, here or elsewhere, is unpickled. Importing this module is cheap.
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

MAX_CONFIG_BYTES = 2**14  # of a config; the time to parse TOML can grow quadratically
MAX_TEXT_BYTES = 2**20  # of a file with facts or scores
MAX_LOG_BYTES = 2**28  # of a log: months of training
_MAX_DEPTH = 32  # of nested values, or of nested folders
MAX_JSON_VALUES = 8_000_000  # in one file; Python needs up to 200 bytes for each
_MAX_INTEGER = 2**63 - 1
_MAX_ENTRIES = 100_000  # files and folders in a run
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def open_plain(path: Path, most: int, within: Path) -> BufferedReader:
    """Open a regular file of at most `most` bytes that lies in the folder `within` after links are followed.

    Raises:
        OctavoError: it is a link out of the folder, not a regular file, or larger than `most` or the machine's
        memory. OSError: it does not exist or cannot be read.
    """
    if not _is_inside(path, within):
        raise OctavoError(f"{path} is a link out of the run's folder: put the file itself there")
    # Without O_NONBLOCK, opening a pipe without a writer would wait for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OctavoError(f"{path} is not a plain file: restore the file")
        most = min(most, machine_memory() or most)
        if status.st_size > most:
            raise OctavoError(
                f"{path} has {status.st_size:,} bytes, more than the limit of {most:,}: restore the file of the run"
            )
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path, most: int, within: Path) -> bytes:
    """Return the content of such a file, at its size when it is opened.

    Raises:
        OctavoError, OSError: as :func:`open_plain`.
    """
    with open_plain(path, most, within) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def parse_json(content: bytes) -> Any:
    """Return the JSON value in `content`.

    Raises:
        ValueError: it is not JSON in UTF-8, repeats a key of an object, nests too deep, has too many values, or has a
            NaN, an infinity, an integer beyond 64 bits or a lone surrogate.
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
    """Return an upper bound of the number of values in JSON: one for each comma and each opening bracket."""
    return sum(map(content.count, (b",", b"[", b"{")))


def check_folder(folder: Path) -> None:
    """Check that a run's folder has only regular files and folders, so that nothing is written outside it.

    Raises:
        OctavoError: it has a link out of it, a pipe or a device, or more or deeper folders than a run can have.
    """
    for count, entry in enumerate(_walk_entries(folder)):
        if count > _MAX_ENTRIES:
            raise OctavoError(f"{folder} has more than {_MAX_ENTRIES:,} files: it is not the folder of a run")
        if entry.is_symlink() and not _is_inside(Path(entry.path), folder):
            raise OctavoError(f"{entry.path} is a link out of the run's folder: put the file itself there")
        if not entry.is_dir() and not entry.is_file():
            raise OctavoError(f"{entry.path} is not a plain file: remove it")


def _walk_entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Yield all files and folders below a folder, with one folder open at a time."""
    pending = [(str(folder), 1)]
    while pending:
        path, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise OctavoError(f"{folder} nests folders more than {_MAX_DEPTH} deep: it is not the folder of a run")
        with os.scandir(path) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, depth + 1))


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("it repeats a key of an object")
    return values


def _parse_integer(digits: str) -> int:
    value = int(digits)
    if abs(value) > _MAX_INTEGER:
        raise ValueError("it has a number that does not fit into 64 bits")
    return value


def _parse_finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("it has a number that is NaN or infinite")
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
