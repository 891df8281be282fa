"""What a person sees while a run trains: a bar on a terminal, plain lines elsewhere, or nothing."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO, cast

from octavo.system.terminal import duration, escape_controls
from octavo.training.events import EpochEvent, Event, StepEvent, ValidationEvent

LOOKED_AT = {"validation": "held-out", "train-slice": "set-aside"}  # what a part is called for people
_EVERY = 10.0  # seconds between plain lines


class Display:
    """What stays on the screen until it is closed. Used as a context: it ends with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def note(self, text: str) -> None:
        """A line that stays."""

    def close(self) -> None:
        """Nothing more will come."""


class Progress(Display):
    """Shows nothing; the other kinds say more."""

    def event(self, event: Event) -> None:
        """Something that happened in training."""

    def sample(self, step: int, text: str) -> None:
        """What the model writes by now."""

    def share(self, what: str, share: float) -> None:
        """How much of some other long work is done, 0 … 1."""


class PlainProgress(Progress):
    """Lines for a log: what happened, and every ten seconds where training is."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._last = file, time.monotonic()

    def note(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # that nobody reads on must not end a training
            print(escape_controls(text), file=self._file, flush=True)

    def event(self, event: Event) -> None:
        if isinstance(event, EpochEvent):
            self.note(_epoch_line(event))
        elif isinstance(event, ValidationEvent):
            self.note(f"step {event.step}: {LOOKED_AT[event.part]} loss {event.loss:.4f} nats per token")
        elif isinstance(event, StepEvent) and self._due():
            left = event.seconds * (1 - event.progress) / max(event.progress, 1e-9)
            self.note(
                f"step {event.step} ({event.progress:.0%}, {duration(left)} left): loss {event.loss:.4f}, "
                f"{event.tokens_per_second:,.0f} tokens/s"
            )

    def share(self, what: str, share: float) -> None:
        if self._due():
            self.note(f"{what}: {share:.0%}")

    def _due(self) -> bool:
        due = time.monotonic() - self._last >= _EVERY
        self._last = time.monotonic() if due else self._last
        return due

    def sample(self, step: int, text: str) -> None:
        self.note(f"--- sample at step {step}\n{text}\n---")


class _Unfailing:
    """A terminal that may be closed: what can no longer be written there must not end a training."""

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


class BarProgress(Progress):
    """A bar with the time left, losses and speed; samples above it."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(file=cast(TextIO, _Unfailing(file)), highlight=False)
        self._bar = Bar(
            TextColumn("{task.percentage:3.0f} %"),
            BarColumn(bar_width=None),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=self._console,
            expand=True,
        )
        self._task = self._bar.add_task("", total=1.0, numbers="", visible=False)
        self._looked_at = ""
        self._bar.start()

    def note(self, text: str) -> None:
        self._console.print(escape_controls(text), markup=False, emoji=False)

    def event(self, event: Event) -> None:
        if isinstance(event, EpochEvent):
            self.note(_epoch_line(event))
        elif isinstance(event, ValidationEvent):
            self._looked_at = f"  {LOOKED_AT[event.part]} {event.loss:.3f}"
        elif isinstance(event, StepEvent):
            numbers = (
                f"step {event.step}  loss {event.loss:.3f}{self._looked_at}  {event.tokens_per_second:,.0f} tokens/s"
            )
            self._bar.update(self._task, completed=event.progress, numbers=numbers, visible=True)

    def sample(self, step: int, text: str) -> None:
        from rich.panel import Panel
        from rich.text import Text

        self._console.print(Panel(Text(escape_controls(text)), title=f"sample at step {step}", border_style="dim"))

    def share(self, what: str, share: float) -> None:
        self._bar.update(self._task, completed=share, numbers=what, visible=True)

    def close(self) -> None:
        self._bar.stop()


def _epoch_line(event: EpochEvent) -> str:
    return (
        f"epoch {event.epoch:.0f}: training loss {event.train_loss:.4f}, held-out loss {event.validation_loss:.4f} "
        "nats per token"
    )


def make_progress(show: bool, file: TextIO | None = None) -> Progress:
    """The kind that suits `file` (standard error)."""
    file = file or sys.stderr
    if not show:
        return Progress()
    return BarProgress(file) if file.isatty() else PlainProgress(file)
