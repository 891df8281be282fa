"""Where a run comes from: the text, the versions, the machine, and each sitting that trained it."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
        "packages": {name: package_version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def sitting(first_step: int, **facts: Any) -> dict[str, Any]:
    """One stretch of training from `first_step` on: when it began, on what, and `facts` known by then."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"began": now, "first_step": first_step, "command": sys.argv[1:], **machine_facts(), **facts}


def package_version(package: str) -> str:
    """The version that is installed, or that none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's name, where Linux tells it; else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
