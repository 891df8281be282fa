"""Where a run's checkpoints lie, whole or not. Importing this takes nothing heavy."""

import re
from pathlib import Path

_NAME = re.compile(r"step-\d{8,}")


def newest_first(folder: Path) -> list[Path]:
    """All checkpoints, whole or not."""
    return sorted((p for p in folder.glob("step-*") if _NAME.fullmatch(p.name)), key=lambda p: p.name, reverse=True)
