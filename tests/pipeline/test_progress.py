"""What a person sees while a run trains."""

import io
import re

import pytest

from octavo.pipeline.progress import BarProgress, PlainProgress, Progress, make_progress
from octavo.training.events import EndEvent, StepEvent, ValidationEvent

STEP = StepEvent(
    step=20,
    epoch=0.5,
    seconds=10.0,
    loss=3.25,
    nats_per_character=1.5,
    learning_rate=0.001,
    gradient_norm=0.5,
    steps_per_second=2.0,
    tokens_per_second=12345.0,
    progress=0.25,
)
LOOK = ValidationEvent(
    step=20,
    epoch=0.5,
    seconds=10.0,
    loss=3.5,
    nats_per_character=1.6,
    part="validation",
    best=False,
    train_loss=3.4,
    weight_norm=9.0,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(progress: Progress) -> None:
    with progress:
        progress.note("a note [bold]as it is[/bold]")
        progress.event(STEP)
        progress.event(STEP)
        progress.event(LOOK)
        progress.sample(20, "KING:\n\x1b[31mAy\x07\n[red]")
        progress.event(EndEvent(step=80, epoch=2.0, seconds=40.0, reason="budget", peak_memory_bytes=0))


def test_the_kind_suits_where_it_goes() -> None:
    assert type(make_progress(False, Terminal())) is Progress
    assert type(make_progress(True, io.StringIO())) is PlainProgress
    with make_progress(True, Terminal()) as bar:
        assert type(bar) is BarProgress


def test_plain_lines_without_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    shown(make_progress(True, file))
    out = file.getvalue()
    assert out.startswith("a note [bold]as it is[/bold]\n")
    assert "step 20: held-out loss 3.5" in out
    assert "KING:\n\\x1b[31mAy\\x07\n[red]" in out
    assert "\x1b" not in out
    assert "12,345 tokens/s" not in out, "a line every ten seconds, not every event"
    monkeypatch.setattr("octavo.pipeline.progress._EVERY", 0.0)
    file = io.StringIO()
    shown(make_progress(True, file))
    lines = [line for line in file.getvalue().splitlines() if "12,345 tokens/s" in line]
    assert len(lines) == 2
    assert lines[0].startswith("step 20 (25%, 30 s left): loss 3.25")


def test_a_bar_on_a_terminal_whose_sample_cannot_move_the_cursor() -> None:
    file = Terminal()
    shown(make_progress(True, file))
    out = file.getvalue()
    assert "a note [bold]as it is[/bold]" in out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert "25 %" in plain
    assert "KING:" in plain
    assert "\\x1b[31mAy\\x07" in plain
    assert "[red]" in plain
    assert "\x07" not in out
    assert "\x1b[31mAy" not in out


def test_nothing_when_it_is_not_wanted() -> None:
    file = Terminal()
    shown(make_progress(False, file))
    assert file.getvalue() == ""
