"""``metrics.jsonl``: one JSON object a line, one line an event, appended as training goes.

Every line has ``event``, ``step``, ``epoch`` and ``seconds`` (of training, over all sittings). Events: ``step``,
``validation``, ``finding`` (what ails the run, as soon as a look shows it), ``epoch`` (one is over), ``sample``,
``checkpoint`` and, last, ``end``.
"""

import io
import json
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError, OctavoWarning
from octavo.formats.files import sync_folder, write_atomically
from octavo.formats.json_schema import check_types, parse_object
from octavo.formats.untrusted import MAX_JSON_VALUES, MAX_LOG_BYTES, MAX_TEXT_BYTES, count_values, open_plain
from octavo.runs.earlier_versions import upgraded_finding

Record = dict[str, Any]
_LONGEST = MAX_TEXT_BYTES  # bytes of a line: more than a sample of the longest tokens takes
_TYPES: dict[str, Any] = {  # of what events have
    "event": str,
    "step": int,
    "epoch": float,
    "seconds": float,
    "loss": float,
    "nats_per_character": float,
    "learning_rate": float,
    "gradient_norm": float,
    "steps_per_second": float,
    "tokens_per_second": float,
    "progress": float,
    "part": str,
    "best": bool,
    "train_loss": float,
    "weight_norm": float,
    "validation_loss": float,
    "validation_windows": int,
    "validation_seconds": float,
    "text": str,
    "reason": str,
    "peak_memory_bytes": int,
    "kind": str,
    "severity": str,
    "words": str,
    "fix": str,
    "figures": dict[str, float],
}
_ALWAYS = ("step", "epoch", "seconds")
_NEEDED = {  # by event; what later versions added is not asked for
    "step": ("loss", "nats_per_character", "learning_rate", "gradient_norm", "steps_per_second", "tokens_per_second"),
    "validation": ("loss", "nats_per_character"),
    "finding": ("kind", "severity", "words", "fix", "figures"),
}


class MetricsLog:
    """The open file of a run that is training."""

    def __init__(self, path: Path, keep_bytes: int = 0, step: int = 0) -> None:
        """Open `path` for a run that goes on from a checkpoint at `step`, when it had `keep_bytes`: what lies beyond
        was written after that and is dropped.

        A log that has lost lines since costs the lines and no more: those up to `step` that are left are kept, and a
        warning says so.

        Raises:
            OctavoError: it cannot be read, is no plain file of the run, or is larger than one that training writes.
            OSError: it cannot be written to.
        """
        content = _end_of(path, MAX_LOG_BYTES)
        kept = content[:keep_bytes]
        last = kept[kept[:-1].rfind(b"\n") + 1 :]
        if keep_bytes > len(content) or (last and not _until(last, step)):
            warnings.warn(f"{path} lost lines of before step {step}: the rest is kept", OctavoWarning, stacklevel=2)
            left = b"".join(line for line in io.BytesIO(content) if _until(line, step))
            write_atomically(path, left)
            keep_bytes = len(left)
        is_new = not path.exists()
        self._file = path.open("ab", buffering=0)
        if is_new:
            sync_folder(path.parent)
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
        OctavoError: a whole line is no event, or the file is larger than one that training writes.
    """
    content = _end_of(path, MAX_LOG_BYTES)
    if count_values(content) + content.count(b"\n") > MAX_JSON_VALUES:  # a line of few values takes memory too
        raise OctavoError(f"{path} has more than {MAX_JSON_VALUES:,} values: a larger train.log_every writes fewer")
    lines = enumerate(io.BytesIO(content), 1)  # one at a time
    return [_record(line, f"{path}: line {number}") for number, line in lines if line.endswith(b"\n")]


def last_record(path: Path) -> Record | None:
    """The newest event of a run, without reading those before it; None if there is none.

    Raises:
        OctavoError: its line is no event.
    """
    whole = _end_of(path, _LONGEST).rpartition(b"\n")[0]
    return _record(whole.rpartition(b"\n")[2], f"{path}: the last line") if whole else None


def _until(line: bytes, step: int) -> bool:
    """Whether a line is whole and of an event up to `step`."""
    try:
        record = _record(line, "")
    except OctavoError:
        return False
    return line.endswith(b"\n") and record.get("event") != "end" and bool(record.get("step", step + 1) <= step)


def check_complete(records: Sequence[Record], path: Path) -> None:
    """See that every event has what its kind always has, so that all of it can be drawn and gone on from.

    Raises:
        OctavoError: one lacks something.
    """
    for number, record in enumerate(records, 1):
        needed = (*_ALWAYS, *_NEEDED.get(record["event"], ()))
        if "train_loss" in record and record["event"] == "validation":
            needed = (*needed, "weight_norm")
        if lacking := [name for name in needed if name not in record]:
            raise OctavoError(f"{path}: line {number} has no {lacking[0]}: delete that line")
        if "steps_per_second" in record and not record["steps_per_second"] > 0:
            raise OctavoError(f"{path}: line {number} is of steps that took for ever: delete that line")


def _end_of(path: Path, size: int) -> bytes:
    """At most the last `size` bytes of the file; nothing if there is none."""
    try:
        with open_plain(path, MAX_LOG_BYTES, path.parent) as file:
            size = min(size, file.seek(0, os.SEEK_END))
            file.seek(-size, os.SEEK_END)
            return file.read(size)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OctavoError(f"{path} cannot be read ({error.strerror}): check its permissions") from None


def _record(line: bytes, place: str) -> Record:
    try:
        if len(line) > _LONGEST:
            raise ValueError("it is longer than any event")
        record: Record = parse_object(line, _TYPES)
        if "event" not in record:
            raise ValueError("it has no event")
        if record["event"] == "finding":
            record = upgraded_finding(record)
            check_types(record, _TYPES)
    except ValueError as error:
        raise OctavoError(f"{place} {str(error).removeprefix('it ')}: delete that line") from None
    return record
