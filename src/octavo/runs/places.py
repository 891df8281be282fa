"""Where a run's checkpoints lie, whole or not. Importing this takes nothing heavy."""

import re
from pathlib import Path

_NAME = re.compile(r"step-([0-9]{8,})")


def step_of(name: str) -> int | None:
    """The step of a checkpoint of that name; None: it is none's."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def newest_first(folder: Path) -> list[Path]:
    """All checkpoints, whole or not."""
    steps = {place: step for place in folder.glob("step-*") if (step := step_of(place.name)) is not None}
    return sorted(steps, key=lambda place: steps[place], reverse=True)
