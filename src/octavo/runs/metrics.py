"""``metrics.jsonl``: one JSON object a line, one line an event, appended as training goes.

Every line has ``event``, ``step``, ``epoch`` and ``seconds`` (of training, over all sittings). Events: ``step``,
``validation``, ``finding`` (what ails the run, as soon as a look shows it), ``epoch`` (one is over), ``sample``,
``checkpoint`` and, last, ``end``.
"""

import json
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError, OctavoWarning
from octavo.files import write_atomically

Record = dict[str, Any]
_TAIL = 1 << 16  # bytes: more than any line


class MetricsLog:
    """The open file of a run that is training."""

    def __init__(self, path: Path, keep_bytes: int = 0, step: int = 0) -> None:
        """Open `path` for a run that goes on from a checkpoint at `step`, when it had `keep_bytes`: what lies beyond
        was written after that and is dropped.

        A log that has lost lines since costs the lines and no more: those up to `step` that are left are kept, and a
        warning says so.

        Raises:
            OSError: it cannot be written to.
        """
        content = path.read_bytes() if path.exists() else b""
        last = content[:keep_bytes].splitlines(keepends=True)[-1:]
        if keep_bytes > len(content) or not all(_until(line, step) for line in last):
            warnings.warn(f"{path} lost lines of before step {step}: the rest is kept", OctavoWarning, stacklevel=2)
            left = b"".join(line for line in content.splitlines(keepends=True) if _until(line, step))
            write_atomically(path, left)
            keep_bytes = len(left)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(keep_bytes)

    def write(self, event: Record) -> None:
        """Append one event, as a whole line.

        Raises:
            OSError: the disk is full; the file is as it was.
        """
        line = json.dumps(event, allow_nan=False).encode() + b"\n"
        size = os.fstat(self._file.fileno()).st_size
        try:
            while line:  # a disk that is nearly full takes a part
                line = line[self._file.write(line) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(size)
            raise

    def sync(self) -> int:
        """Flush to the disk; return the size in bytes, for the checkpoint that goes with it."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: Path) -> list[Record]:
    """All events of a run; a last line without its end (the run died writing it) is left out.

    Raises:
        OctavoError: a whole line is not a JSON object.
    """
    if not path.exists():
        return []
    records: list[Record] = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        records.append(_record(line, f"{path}: line {number}"))
    return records


def last_record(path: Path) -> Record | None:
    """The newest event of a run, without reading those before it; None if there is none.

    Raises:
        OctavoError: its line is not a JSON object.
    """
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
        whole = file.read().rpartition(b"\n")[0]
    return _record(whole.rpartition(b"\n")[2], f"{path}: the last line") if whole else None


def _until(line: bytes, step: int) -> bool:
    """Whether a line is whole and of an event up to `step`."""
    try:
        record = _record(line, "")
    except OctavoError:
        return False
    return line.endswith(b"\n") and record.get("event") != "end" and bool(record.get("step", step + 1) <= step)


def _record(line: bytes, place: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise OctavoError(f"{place} is not a JSON object: delete that line")
    return record
