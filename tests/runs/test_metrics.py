"""metrics.jsonl: whole lines in, whole lines out, and a resumed run goes on where its checkpoint was."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.runs import MetricsLog, read_metrics
from octavo.runs.metrics import check_complete, last_record

EVENTS: list[dict[str, Any]] = [
    {"event": "step", "step": 10, "loss": 0.1},
    {"event": "sample", "step": 10, "text": "a\nb\r\u2028\x1b é"},
    {"event": "end", "step": 11},
]


def write(path: Path, events: list[dict[str, Any]], keep: int = 0) -> int:
    log = MetricsLog(path, keep)
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


def test_a_file_that_is_shorter_than_its_checkpoint_counts_on_is_refused(tmp_path: Path) -> None:
    size = write(tmp_path / "m", EVENTS)
    with pytest.raises(OctavoError, match="has lost what its checkpoint counts on"):
        MetricsLog(tmp_path / "m", size + 1)
    assert read_metrics(tmp_path / "m") == EVENTS


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
        ('{"event": "step", "loss": 1e999}', "a number that is none or infinite"),
        ('{"event": "step", "loss": NaN}', "a number that is none or infinite"),
        ('{"event": "step", "step": ' + "9" * 30 + "}", "does not fit into 64 bits"),
        ('{"event": "step", "event": "end"}', "names a key of an object twice"),
        ('{"event": "finding", "figures": {"a": "b"}}', "its figures is not"),
    ],
)
def test_a_value_that_no_event_has_is_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "m").write_text(line + "\n")
    for read in (read_metrics, last_record):
        with pytest.raises(OctavoError, match=f"line.* {says}.*: delete that line"):
            read(tmp_path / "m")


def test_an_event_that_lacks_what_its_kind_has_is_named(tmp_path: Path) -> None:
    whole = {"event": "validation", "step": 1, "epoch": 0.1, "seconds": 2.0, "loss": 1, "nats_per_character": 1}
    check_complete([whole], tmp_path)
    for name in whole.keys() - {"event"}:
        with pytest.raises(OctavoError, match=f"line 2 has no {name}"):
            check_complete([whole, {key: value for key, value in whole.items() if key != name}], tmp_path)
