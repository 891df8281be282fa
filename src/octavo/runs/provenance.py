"""Where a run comes from: the text, the versions, the machine, and each sitting that trained it."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from octavo.packages import installed
from octavo.processor import processor_name
from octavo.terminal import readable

_MOST_NAMES, _MOST_CHARACTERS = 100, 20_000
PACKAGES = ("octavo", "torch", "numpy", "tokenizers", "safetensors")
PROVENANCE: dict[str, Any] = {  # what is what in provenance.json
    "text": {
        "name": str,
        "documents": int,
        "first_documents": list[str],
        "characters": int,
        "bytes": int,
        "sha256": str,
        "sources": list[str],
        "source_count": int,
        "encoding": str,
        "skipped": list[str],
    },
    "precision": {"name": str, "reason": str},
    "parameters": int,
    "tokenizer": str,
    "config": str,
    "sittings": [
        {
            "began": str,
            "first_step": int,
            "command": list[str],
            "arguments": int,
            "python": str,
            "packages": dict[str, str],
            "system": str,
            "processor": str,
            "cores": int | None,
            "threads": int,
        }
    ],
}


def machine_facts() -> dict[str, Any]:
    """Versions and machine, as plain values. Imports nothing heavy."""
    return {
        "python": platform.python_version(),
        "packages": {name: installed(name) or "not installed" for name in PACKAGES},
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
    }


def sitting(first_step: int, **facts: Any) -> dict[str, Any]:
    """One stretch of training from `first_step` on: when it began, on what, and `facts` known by then."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    command = [readable(argument) for argument in sys.argv[1:]]
    told = {"command": first_of(command), "arguments": len(command)}
    return {"began": now, "first_step": first_step, **told, **machine_facts(), **facts}


def first_of(names: Sequence[str]) -> list[str]:
    """The first of very many names: as many as leave room for others in a file that is read again."""
    room = _MOST_CHARACTERS
    return [name for name in names[:_MOST_NAMES] if (room := room - len(name)) >= 0]
