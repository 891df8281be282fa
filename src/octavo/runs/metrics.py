"""``metrics.jsonl``: one JSON object a line, one line an event, appended as training goes.

Every line has ``event``, ``step`` and ``seconds`` (of training, over all sittings). Events: ``step``, ``validation``,
``checkpoint``, ``sample`` and, last, ``end``.
"""

import json
import os
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError

Event = dict[str, Any]


class MetricsLog:
    """The open file of a run that is training."""

    def __init__(self, path: Path, keep_bytes: int = 0) -> None:
        """Open `path`; what lies beyond `keep_bytes` was written after the checkpoint that is resumed: drop it."""
        self._file = path.open("ab")
        self._file.truncate(keep_bytes)

    def write(self, event: Event) -> None:
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


def read_metrics(path: Path) -> list[Event]:
    """All events of a run; a last line without its end (the run died writing it) is left out.

    Raises:
        OctavoError: a whole line is not a JSON object.
    """
    if not path.exists():
        return []
    events: list[Event] = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise OctavoError(f"{path}: line {number} is not a JSON object; delete that line")
        events.append(event)
    return events
