"""What a run gets when it is trained and scored: everything that its report shows."""

from collections.abc import Callable
from typing import TypeVar

from octavo.formats.files import write_atomically
from octavo.pipeline.progress import Progress
from octavo.pipeline.run import Run
from octavo.reports.blocks import Unavailable, try_compute
from octavo.runs.completion import note_examined

T = TypeVar("T")

_SAMPLES = 3
_SAMPLE_TOKENS = 250  # of each


def examine(run: Run, progress: Progress) -> None:
    """Compare a trained and scored run with simpler models, diagnose it, draw its curves and write samples.

    A part that cannot be made is noted with the reason, and the others are made. Samples come last, since where they
    are all was tried (`octavo.runs.completion`).

    Raises:
        OSError: what could not be made cannot be noted.
    """
    progress.note("comparing with simpler models, drawing curves, writing samples")
    failed: dict[str, str] = {}

    def part(name: str, make: Callable[[], T]) -> T | None:
        made = try_compute(make)
        if not isinstance(made, Unavailable):
            return made
        failed[name] = made.why
        progress.note(f"no {name}: {made.why}")
        return None

    baselines = part("baselines", lambda: run.baselines(watch=lambda share: progress.phase("comparing", share)))
    part("memorisation", lambda: run.memorisation(watch=lambda share: progress.phase("looking for copies", share)))
    part("diagnosis", lambda: run.diagnose(baselines=baselines or []))
    part("curves", lambda: run.curves().save(run.path / "curves"))
    part("samples", lambda: _write_samples(run))
    note_examined(run.directory, failed)


def _write_samples(run: Run) -> None:
    """Write ``samples.txt``."""
    prompt = (
        "" if run.tokenizer.bos_id is not None else run.tokenizer.decode(run.splits["validation"].ids[:8].tolist())
    )
    texts = [""] * _SAMPLES
    for pieces in run.generate_many([prompt] * _SAMPLES, max_new_tokens=_SAMPLE_TOKENS):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
    separated = "\n\n".join(f"--- sample {i} ---\n{prompt}{text}" for i, text in enumerate(texts, 1))
    write_atomically(run.path / "samples.txt", (separated + "\n").encode())
