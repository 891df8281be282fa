"""``metrics.jsonl``: one JSON object a line, one line an event, appended as training goes.

Every line has ``event``, ``step``, ``epoch`` and ``seconds`` (of training, over all sittings). Events: ``step``,
``validation``, ``finding`` (what ails the run, as soon as a look shows it), ``epoch`` (one is over), ``sample``,
``checkpoint`` and, last, ``end``.
"""

import json
import os
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError

Record = dict[str, Any]
_TAIL = 1 << 16  # bytes: more than any line


class MetricsLog:
    """The open file of a run that is training."""

    def __init__(self, path: Path, keep_bytes: int = 0) -> None:
        """Open `path`; what lies beyond `keep_bytes` was written after the checkpoint that is resumed: drop it.

        Raises:
            OctavoError: it is shorter than that.
        """
        self._file = path.open("ab")
        if self._file.tell() < keep_bytes:
            self._file.close()
            raise OctavoError(f"{path} has lost what its checkpoint counts on: train the run again")
        self._file.truncate(keep_bytes)

    def write(self, event: Record) -> None:
        """Append one event; a reader sees whole lines as training goes."""
        self._file.write(json.dumps(event, allow_nan=False).encode() + b"\n")
        self._file.flush()

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


def _record(line: bytes, place: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise OctavoError(f"{place} is not a JSON object: delete that line")
    return record
