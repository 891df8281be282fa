"""Show what happens while Octavo works: a live area on a terminal, plain lines in a log, or nothing."""

import contextlib
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO, cast

from octavo.config import SPLIT_LABELS
from octavo.runs.events import CalibrationEvent, EarlyStopEvent, EpochEvent, Event, StepEvent, ValidationEvent
from octavo.runs.metrics import calibration_text
from octavo.system.terminal import duration, escape_controls

if TYPE_CHECKING:
    from rich.console import Console


class Display(ABC):
    """Show lines to the user: plain ones in a file, on a terminal lines above a live area, without a file nothing.

    Used as a context manager, which removes the live area at its end. A closed terminal or a full disk must not end
    the work: a line that cannot be written is dropped.
    """

    refresh_seconds = 10.0  # between plain lines about work that goes on

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file and cast(TextIO, _UnfailingStream(file))
        self._console: Console | None = None
        self._last_line = time.monotonic()
        if self._file and self._file.isatty():
            from rich import console

            self._console = console.Console(file=self._file, highlight=False)
            self.live = self.live_area(self._console)
            self.live.start()

    @abstractmethod
    def live_area(self, console: "Console") -> Any:
        """Return what stays below the lines on a terminal: it has ``start()`` and ``stop()``."""

    def note(self, text: str) -> None:
        """Show a line that stays."""
        if self._console:
            self._console.print(escape_controls(text), markup=False, emoji=False)
        elif self._file:
            print(escape_controls(text), file=self._file, flush=True)

    def note_now_and_then(self, text: str) -> None:
        """Show a plain line if the last one of this kind is long enough ago."""
        if self._file and time.monotonic() - self._last_line >= self.refresh_seconds:
            self._last_line = time.monotonic()
            self.note(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console:
            self.live.stop()


class Progress(Display):
    """Show the progress of a run: a bar with the time left, losses and speed, or a line every ten seconds.

    Losses are in bits per character; for them `tokens_per_character` holds that ratio by split.
    """

    tokens_per_character: Mapping[str, float] = {}
    _validation = ""  # the newest loss of the validation split, for the bar

    def live_area(self, console: "Console") -> Any:
        """Return the bar."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.percentage:3.0f} %"),
            BarColumn(bar_width=None),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
        )
        bar = Bar(*columns, console=console, expand=True)
        self._task = bar.add_task("", total=1.0, numbers="", visible=False)
        return bar

    def event(self, event: Event) -> None:
        """Show an event of the training loop."""
        if isinstance(event, EpochEvent):
            train, validation = self._bits(event.train_loss), self._bits(event.validation_loss, "validation")
            self.note(
                f"epoch {event.epoch:.0f}: training loss (with dropout) {train:.4f}, validation split "
                f"{validation:.4f} bits per character"
            )
        elif isinstance(event, ValidationEvent):
            split, bits = SPLIT_LABELS[event.part], event.nats_per_character / math.log(2)
            self._validation = f"  {split} {bits:.3f}"
            if not self._console:
                train = self._bits(event.train_loss)
                self.note(
                    f"step {event.step}: {split} {bits:.4f}, training split (without dropout) {train:.4f} "
                    "bits per character"
                )
        elif isinstance(event, EarlyStopEvent):
            self.note(
                f"stopping early at step {event.step}: the learning rate decays from the state of step "
                f"{event.best_step}, the best so far"
            )
        elif isinstance(event, CalibrationEvent):
            self.note(calibration_text([{"event": event.kind, **asdict(event)}]))
        elif isinstance(event, StepEvent):
            bits, speed = event.nats_per_character / math.log(2), f"{event.tokens_per_second:,.0f} tokens/s"
            left = event.seconds * (1 - event.progress) / max(event.progress, 1e-9)
            self._advance(
                event.progress,
                f"step {event.step}  training {bits:.3f}{self._validation} bits/character  {speed}",
                f"step {event.step} ({event.progress:.0%}, {duration(left)} left): training loss (with dropout) "
                f"{bits:.4f} bits per character, {speed}",
            )

    def sample(self, step: int, text: str) -> None:
        """Show what the model generates after so many steps."""
        if self._console:
            from rich.panel import Panel
            from rich.text import Text

            self._console.print(
                Panel(Text(escape_controls(text)), title=f"sample at step {step}", border_style="dim")
            )
        else:
            self.note(f"--- sample at step {step}\n{text}\n---")

    def phase(self, name: str, fraction: float) -> None:
        """Show the fraction of another long task that is done."""
        self._advance(fraction, name, f"{name}: {fraction:.0%}")

    def _advance(self, fraction: float, numbers: str, line: str) -> None:
        if self._console:
            self.live.update(self._task, completed=fraction, numbers=numbers, visible=True)
        else:
            self.note_now_and_then(line)

    def _bits(self, nats_per_token: float, split: str = "train") -> float:
        return nats_per_token * self.tokens_per_character[split] / math.log(2)


class _UnfailingStream:
    """A stream that drops what it can no longer write, such as a terminal that was closed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def make_progress(show: bool, file: TextIO | None = None) -> Progress:
    """Return a display on `file` (default: standard error), or a silent one."""
    return Progress((file or sys.stderr) if show else None)
