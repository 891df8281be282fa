"""The display of a run's progress."""

import io
import math
import re

import pytest

from octavo.pipeline.progress import Progress, make_progress
from octavo.runs.events import EndEvent, EpochEvent, StepEvent, ValidationEvent

STEP = StepEvent(
    step=20,
    epoch=0.5,
    seconds=10.0,
    loss=3.25,
    nats_per_character=1.5 * math.log(2),
    learning_rate=0.001,
    gradient_norm=0.5,
    steps_per_second=2.0,
    tokens_per_second=12345.0,
    progress=0.25,
)
VALIDATION = ValidationEvent(
    step=20,
    epoch=0.5,
    seconds=10.0,
    loss=3.5,
    nats_per_character=1.625 * math.log(2),
    part="validation",
    best=False,
    train_loss=3.5 * math.log(2),
    weight_norm=9.0,
)
EPOCH = EpochEvent(
    step=20,
    epoch=1.0,
    seconds=10.0,
    train_loss=4 * math.log(2),
    validation_loss=4 * math.log(2),
    validation_windows=3,
    validation_seconds=1.0,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError


def shown(progress: Progress) -> None:
    progress.tokens_per_character = {"train": 0.5, "validation": 0.625}
    with progress:
        progress.note("a note [bold]as it is[/bold]")
        progress.event(STEP)
        progress.event(STEP)
        progress.event(VALIDATION)
        progress.event(EPOCH)
        progress.sample(20, "KING:\n\x1b[31mAy\x07\n[red]")
        progress.phase("scoring", 0.5)
        progress.event(EndEvent(step=80, epoch=2.0, seconds=40.0, reason="budget", peak_memory_bytes=0))


def test_plain_lines_without_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    shown(make_progress(True, file))
    out = file.getvalue()
    assert out.startswith("a note [bold]as it is[/bold]\n")
    assert "KING:\n\\x1b[31mAy\\x07\n[red]" in out
    assert "\x1b" not in out
    assert "12,345 tokens/s" not in out, "a line every ten seconds, not every event"
    monkeypatch.setattr("octavo.pipeline.progress.Progress.refresh_seconds", 0.0)
    file = io.StringIO()
    shown(make_progress(True, file))
    assert "scoring: 50%" in file.getvalue()
    lines = [line for line in file.getvalue().splitlines() if "12,345 tokens/s" in line]
    assert len(lines) == 2
    assert lines[0].startswith("step 20 (25%, 30 s left)")


def test_losses_are_in_bits_per_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.pipeline.progress.Progress.refresh_seconds", 0.0)
    file = io.StringIO()
    shown(make_progress(True, file))
    lines = [line for line in file.getvalue().splitlines() if "bits per character" in line]
    figures = [re.findall(r"\d\.\d{4}", line) for line in lines]
    assert figures == [["1.5000"], ["1.5000"], ["1.6250", "1.7500"], ["2.0000", "2.5000"]]
    assert "training loss (with dropout)" in lines[0]
    assert re.search(r"validation split 1\.6250, training split \(without dropout\) 1\.7500", lines[2])


def test_a_bar_on_a_terminal_whose_sample_cannot_move_the_cursor() -> None:
    file = Terminal()
    shown(make_progress(True, file))
    out = file.getvalue()
    assert "a note [bold]as it is[/bold]" in out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert "50 %" in plain
    assert "KING:" in plain
    assert "\\x1b[31mAy\\x07" in plain
    assert "[red]" in plain
    assert "\x07" not in out
    assert "\x1b[31mAy" not in out


def test_a_closed_stream_does_not_end_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    shown(make_progress(True, Closed()))
    assert capsys.readouterr() == ("", "")


def test_nothing_when_it_is_not_wanted() -> None:
    file = Terminal()
    shown(make_progress(False, file))
    assert file.getvalue() == ""
