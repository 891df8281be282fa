"""``metrics.jsonl``: one JSON object per line and event, appended during training.

Every line has ``event``, ``step``, ``epoch`` and ``seconds`` (of training, over all sessions). Events: ``step``,
``validation``, ``finding`` (a problem that a validation point shows), ``epoch`` (the end of one), ``sample``,
``checkpoint``, ``decay`` (the learning rate begins to fall), ``early-stop``, ``calibration`` and, last, ``end``.
"""

import io
import json
import math
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

from octavo.errors import OctavoError, OctavoWarning
from octavo.formats.files import sync_folder, write_atomically
from octavo.formats.json_schema import check_types, parse_object
from octavo.formats.untrusted import MAX_JSON_VALUES, MAX_LOG_BYTES, MAX_TEXT_BYTES, count_values, open_plain
from octavo.runs.earlier_versions import upgrade_finding
from octavo.runs.events import EVENTS

Record = dict[str, Any]
_MAX_LINE_BYTES = MAX_TEXT_BYTES  # more than a sample of the longest tokens takes
_TYPES: dict[str, Any] = {  # of all keys that events have; those of samples and findings come last
    **{name: hint for event in EVENTS for name, hint in get_type_hints(event).items()},
    **dict.fromkeys(("event", "text", "kind", "severity", "words", "fix"), str),
    "figures": dict[str, float],
}
_ALWAYS = ("step", "epoch", "seconds")
_REQUIRED = {  # by event; keys that later versions added are optional
    "step": ("loss", "nats_per_character", "learning_rate", "gradient_norm", "steps_per_second", "tokens_per_second"),
    "validation": ("loss", "nats_per_character"),
    "early-stop": ("best_step",),
    "calibration": ("temperature", "tokens", "nats_per_character_before", "nats_per_character"),
    "finding": ("kind", "severity", "words", "fix", "figures"),
}


class MetricsLog:
    """The open metrics file of a run that is training."""

    def __init__(self, path: Path, keep_bytes: int = 0, step: int = 0) -> None:
        """Open `path` for a run that resumes from a checkpoint at `step`, where the file had `keep_bytes`.

        Later bytes were written after the checkpoint and are dropped. If the file has lost lines since, the remaining
        lines up to `step` are kept and a warning is given.

        Raises:
            OctavoError: it cannot be read, is not a plain file, or is larger than one that training writes.
            OSError: it cannot be written to.
        """
        content = _read_end(path, MAX_LOG_BYTES)
        kept = content[:keep_bytes]
        last = kept[kept[:-1].rfind(b"\n") + 1 :]
        if keep_bytes > len(content) or (last and not _is_up_to(last, step)):
            warnings.warn(f"{path} lost lines before step {step}: the others are kept", OctavoWarning, stacklevel=2)
            remaining = b"".join(line for line in io.BytesIO(content) if _is_up_to(line, step))
            write_atomically(path, remaining)
            keep_bytes = len(remaining)
        is_new = not path.exists()
        self._file = path.open("ab", buffering=0)
        if is_new:
            sync_folder(path.parent)
        self._file.truncate(keep_bytes)

    def write(self, record: Record) -> None:
        """Append the record of one event as a line.

        Raises:
            OSError: the disk is full; the file is unchanged.
        """
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        size = os.fstat(self._file.fileno()).st_size
        try:
            while line:  # a nearly full disk may take only a part
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
    """Return the records of all events; a last line without its end (the process was killed) is left out.

    Raises:
        OctavoError: a line is not an event, or the file is larger than one that training writes.
    """
    content = _read_end(path, MAX_LOG_BYTES)
    if count_values(content) + content.count(b"\n") > MAX_JSON_VALUES:  # a line without values takes memory too
        raise OctavoError(f"{path} has more than {MAX_JSON_VALUES:,} values: a larger train.log_every writes fewer")
    lines = enumerate(io.BytesIO(content), 1)
    return [_record(line, f"{path}: line {number}") for number, line in lines if line.endswith(b"\n")]


def last_record(path: Path) -> Record | None:
    """Return the record of the newest event, without reading those before it; None if there is none.

    Raises:
        OctavoError: the line is not an event.
    """
    complete = _read_end(path, _MAX_LINE_BYTES).rpartition(b"\n")[0]
    return _record(complete.rpartition(b"\n")[2], f"{path}: the last line") if complete else None


def ending_texts(records: Sequence[Record]) -> list[str]:
    """Return in words what was done at the end of training: early stopping, calibration; usually nothing."""
    return [text for text in (early_stop_text(records), calibration_text(records)) if text]


def early_stop_text(records: Sequence[Record]) -> str:
    """Return in words how early stopping ended a run; empty if it did not.

    Example:
        >>> best = {"event": "validation", "step": 30, "best": True}
        >>> early_stop_text([best, {"event": "end", "step": 40, "reason": "patience"}])
        'stopped early at step 40; the weights are those of step 30'
    """
    if not records or records[-1].get("reason") != "patience":
        return ""
    stop = next((record for record in records if record["event"] == "early-stop"), None)
    best = [record["step"] for record in records if record["event"] == "validation" and record.get("best")]
    kept = f"; the weights are those of step {best[-1]:,}" if best else ""
    last = records[-1]["step"]
    if stop is None:
        return f"stopped early at step {last:,}{kept}"
    return (
        f"stopped early at step {stop['step']:,}; the learning rate then decayed, from the state of step "
        f"{stop['best_step']:,}, until step {last:,}{kept}"
    )


def calibration_text(records: Sequence[Record]) -> str:
    """Return in words how the logits were calibrated at the end; empty if they were not.

    Example:
        >>> before_after = {"nats_per_character_before": 1.386, "nats_per_character": 1.317}
        >>> calibration_text([{"event": "calibration", "temperature": 1.25, "tokens": 2420, **before_after}])
        'logits divided by 1.25: that fits 2,420 tokens that were not trained on, where the loss fell from 2.00 to \
1.90 bits per character'
    """
    record = next((record for record in reversed(records) if record["event"] == "calibration"), None)
    if record is None:
        return ""
    before, after = (record[key] / math.log(2) for key in ("nats_per_character_before", "nats_per_character"))
    return (
        f"logits divided by {record['temperature']:.3g}: that fits {record['tokens']:,} tokens that were "
        f"not trained on, where the loss fell from {before:.2f} to {after:.2f} bits per character"
    )


def _is_up_to(line: bytes, step: int) -> bool:
    """Return whether a line is complete and of an event up to `step`."""
    try:
        record = _record(line, "")
    except OctavoError:
        return False
    return line.endswith(b"\n") and record.get("event") != "end" and bool(record.get("step", step + 1) <= step)


def check_complete(records: Sequence[Record], path: Path) -> None:
    """Check that every record has the keys that its event requires for drawing curves and resuming.

    Raises:
        OctavoError: a record lacks a key.
    """
    for number, record in enumerate(records, 1):
        required = (*_ALWAYS, *_REQUIRED.get(record["event"], ()))
        if "train_loss" in record and record["event"] == "validation":
            required = (*required, "weight_norm")
        if missing := [name for name in required if name not in record]:
            raise OctavoError(f"{path}: line {number} has no {missing[0]}: delete that line")
        if "steps_per_second" in record and not record["steps_per_second"] > 0:
            raise OctavoError(f"{path}: line {number} has no positive steps_per_second: delete that line")


def _read_end(path: Path, size: int) -> bytes:
    """Return at most the last `size` bytes of the file; empty if there is none."""
    try:
        with open_plain(path, MAX_LOG_BYTES, path.parent) as file:
            size = min(size, file.seek(0, os.SEEK_END))
            file.seek(-size, os.SEEK_END)
            return file.read(size)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OctavoError(f"{path} cannot be read ({error.strerror}): check its permissions") from None


def _record(line: bytes, source: str) -> Record:
    """Parse one line; `source` names it in the error."""
    try:
        if len(line) > _MAX_LINE_BYTES:
            raise ValueError("it is longer than any event")
        record: Record = parse_object(line, _TYPES)
        if "event" not in record:
            raise ValueError("it has no event")
        if record["event"] == "finding":
            record = upgrade_finding(record)
            check_types(record, _TYPES)
    except ValueError as error:
        raise OctavoError(f"{source} {str(error).removeprefix('it ')}: delete that line") from None
    return record
