"""metrics.jsonl: whole lines in, whole lines out, and a resumed run goes on where its checkpoint was."""

import errno
import json
import os
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError, OctavoWarning
from octavo.runs.metrics import MetricsLog, check_complete, last_record, read_metrics
from octavo.tokenizer.chunking import MAX_RUN_LENGTH

EVENTS: list[dict[str, Any]] = [
    {"event": "step", "step": 10, "loss": 0.1},
    {"event": "sample", "step": 10, "text": "a\nb\r\u2028\x1b é"},
    {"event": "end", "step": 11},
]


def write(path: Path, events: list[dict[str, Any]], keep: int = 0) -> int:
    log = MetricsLog(path, keep, step=10)
    for event in events:
        log.write(event)
    size = log.sync()
    log.close()
    return size


def test_events_are_one_line_each_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert write(path, EVENTS) == path.stat().st_size
    assert read_metrics(path) == EVENTS
    assert [json.loads(line) for line in path.read_text().split("\n")[:-1]] == EVENTS


def test_a_reader_sees_each_event_at_once(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.write(EVENTS[0])
    assert read_metrics(tmp_path / "metrics.jsonl") == EVENTS[:1]
    log.close()


def test_what_came_after_the_checkpoint_is_dropped_on_resuming(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    kept = write(path, EVENTS[:1])
    write(path, [{"event": "step", "step": 20}], keep=kept)
    write(path, EVENTS[2:], keep=kept)
    assert read_metrics(path) == [EVENTS[0], EVENTS[2]]
    write(path, EVENTS[:1])  # from the start: nothing is kept
    assert read_metrics(path) == EVENTS[:1]


@pytest.mark.parametrize("what", ["link", "pipe", "large"])
def test_to_go_on_reads_no_more_than_a_plain_file_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    outside, path = tmp_path / "outside", tmp_path / "run" / "metrics.jsonl"
    path.parent.mkdir()
    kept = write(outside, EVENTS[:1])
    if what == "link":
        path.symlink_to(outside)
    elif what == "pipe":
        os.mkfifo(path)
    else:
        write(path, EVENTS[:1])
        monkeypatch.setattr("octavo.runs.metrics.MAX_LOG_BYTES", kept - 1)
    # A writer ends a reader that waits for one, so that the test fails and does not hang.
    timer = threading.Timer(5, lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
    if what == "pipe":
        timer.start()
    with pytest.raises(OctavoError):
        MetricsLog(path, kept, step=10)
    timer.cancel()
    assert outside.stat().st_size == kept


@given(cut=st.integers(0, 200))
def test_a_half_written_last_line_is_left_out(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    write(path, EVENTS)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    assert read_metrics(path) == EVENTS[: content.count(b"\n")]


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n", b"\n", b"\xff\n"])
def test_a_whole_line_that_is_no_event_is_refused(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "m").write_bytes(b'{"event": "step"}\n' + line + b'{"event": "end"}\n')
    with pytest.raises(OctavoError, match="line 2 is not a JSON object"):
        read_metrics(tmp_path / "m")


def test_the_last_one_is_found_without_reading_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert last_record(path) is None
    for count in (0, 1, 2, 5000):
        events = [{"event": "step", "step": i, "text": "é" * 20} for i in range(count)]
        path.unlink(missing_ok=True)
        write(path, events)
        assert last_record(path) == (events[-1] if events else None)
        path.write_bytes(path.read_bytes() + b'{"event": "en')
        assert last_record(path) == (events[-1] if events else None)


@pytest.mark.parametrize("before", [[], EVENTS[:1]])
@pytest.mark.parametrize("after", [b"", b'{"event": "' + 70_000 * b"x"])
def test_however_long_its_line_is(tmp_path: Path, before: list[dict[str, Any]], after: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    long = {"event": "sample", "step": 20, "text": 15_000 * "日"}
    write(path, [*before, long])
    path.write_bytes(path.read_bytes() + after)
    assert last_record(path) == long


@pytest.mark.parametrize("gone", ["the file", "the end", "a line inside", "a byte"])
def test_a_log_that_lost_lines_costs_the_lines_and_no_more(tmp_path: Path, gone: str) -> None:
    path = tmp_path / "m"
    events = [{"event": "step", "step": step} for step in range(1, 9)]
    kept = write(path, events[:4])  # a checkpoint at step 4
    write(path, [*events[4:], {"event": "end", "step": 8}], keep=kept)
    lines = path.read_bytes().splitlines(keepends=True)
    left = {
        "the file": b"",
        "the end": b"".join(lines[:2]) + lines[2][:5],
        "a line inside": b"".join(lines[:1] + lines[2:]),
        "a byte": b"".join([lines[0], lines[1][1:], *lines[2:]]),
    }[gone]
    path.write_bytes(left)
    with pytest.warns(OctavoWarning, match="before step 4"):
        log = MetricsLog(path, kept, step=4)
    log.write(events[4])
    log.close()
    steps = {"the file": [], "the end": [1, 2]}.get(gone, [1, 3, 4])
    assert [event["step"] for event in read_metrics(path)] == [*steps, 5]


class _NearlyFull:
    """A raw file that takes some bytes and then no more."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, content: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self.file.write(content[: self.room])
        self.room -= taken
        return int(taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m")
    log.write(EVENTS[0])
    log._file = _NearlyFull(log._file, 10)  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space left"):
        log.write(EVENTS[1])
    log.close()
    assert (tmp_path / "m").read_bytes() == json.dumps(EVENTS[0]).encode() + b"\n"
    assert read_metrics(tmp_path / "m") == EVENTS[:1]


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_nothing_that_is_not_json_is_written(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m")
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.write({"loss": float("nan")})
    log.close()
    assert read_metrics(tmp_path / "m") == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"step": 1}', "has no event"),
        ('{"event": 1}', "its event is not"),
        ('{"event": "step", "step": "1"}', "its step is not"),
        ('{"event": "step", "loss": 1e999}', "a number that is NaN or infinite"),
        ('{"event": "step", "loss": NaN}', "a number that is NaN or infinite"),
        ('{"event": "step", "step": ' + "9" * 30 + "}", "does not fit into 64 bits"),
        ('{"event": "step", "event": "end"}', "repeats a key"),
        ('{"event": "finding", "figures": {"a": "b"}}', "its figures is not"),
    ],
)
def test_a_value_that_no_event_has_is_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "m").write_text(line + "\n")
    for read in (read_metrics, last_record):
        with pytest.raises(OctavoError, match=f"line.* {says}.*: delete that line"):
            read(tmp_path / "m")


@pytest.mark.parametrize("line", [b'{"event":"x"}\n', b"\n", b"{}\n", b'{"event":"x","figures":{"x":0}}\n'])
def test_more_values_than_training_writes_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr("octavo.runs.metrics.MAX_JSON_VALUES", 1000)
    (tmp_path / "m").write_bytes(line * 1001)
    with pytest.raises(OctavoError, match=r"more than 1,000 values: a larger train\.log_every writes fewer"):
        read_metrics(tmp_path / "m")


@pytest.mark.parametrize("letter", ["a", "日", "😀", "\x1c"])
def test_a_sample_of_the_longest_tokens_is_read_again(tmp_path: Path, letter: str) -> None:
    events = [{"event": "sample", "step": 1, "text": 60 * (letter * (MAX_RUN_LENGTH + 1) + "\n" * MAX_RUN_LENGTH)}]
    write(tmp_path / "m", events)
    assert read_metrics(tmp_path / "m") == events
    assert last_record(tmp_path / "m") == events[0]


def test_a_line_longer_than_any_event_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").write_text(json.dumps({"event": "sample", "text": "x" * 2**20}) + "\n")
    for read in (read_metrics, last_record):
        with pytest.raises(OctavoError, match=r"is longer than any event|is not a JSON object"):
            read(tmp_path / "m")


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    """Beside the file's bytes there is no more than the events: a copy of each line would be three times them."""
    content = b'{"event":"x"}\n' * 20_000
    (tmp_path / "m").write_bytes(content)
    tracemalloc.start()
    try:
        events = read_metrics(tmp_path / "m")
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(events) == 20_000
    assert most < held + 2 * len(content)


def test_an_event_that_lacks_what_its_kind_has_is_named(tmp_path: Path) -> None:
    whole = {"event": "validation", "step": 1, "epoch": 0.1, "seconds": 2.0, "loss": 1, "nats_per_character": 1}
    check_complete([whole], tmp_path)
    for name in whole.keys() - {"event"}:
        with pytest.raises(OctavoError, match=f"line 2 has no {name}"):
            check_complete([whole, {key: value for key, value in whole.items() if key != name}], tmp_path)
